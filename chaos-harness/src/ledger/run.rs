//! Where and when a trial ran.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Which attempt it was: a run of CI may be started again, and so may a trial in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Of the run, from 1.
    pub run: u32,
    /// Of the trial in it, from 1.
    pub trial: u32,
}

impl Attempt {
    /// The first of both: only that confirms anything.
    pub const FIRST: Self = Self { run: 1, trial: 1 };

    /// Whether it is the first of both.
    #[must_use]
    pub fn is_first(self) -> bool {
        self == Self::FIRST
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.trial)
    }
}

/// One run, over all its jobs and processes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRef {
    /// What tells it from others.
    pub id: String,
    /// Where it is to be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
