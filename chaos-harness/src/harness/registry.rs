//! The experiments of a test target, collected when it is linked.

use crate::experiment::Experiment;
use std::fmt;

/// One experiment as `#[chaos_test]` registers it. Nothing is built until trials are listed.
#[derive(Clone, Copy)]
pub struct Registration {
    /// Makes the experiment.
    pub define: fn() -> Experiment,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").finish_non_exhaustive()
    }
}

inventory::collect!(Registration);
