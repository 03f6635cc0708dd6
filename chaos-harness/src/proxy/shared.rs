//! What all routes of a proxy share.

use super::budget::Budget;
use super::pipe::Pipes;
use super::timer::Timers;
use crate::Seed;
use std::io;
use std::sync::Arc;
use tokio::runtime::Handle;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) seed: Seed,
    /// The proxy's own threads.
    pub(super) runtime: Handle,
    pub(super) timers: Arc<Timers>,
    pub(super) budget: Budget,
    pub(super) pipes: Pipes,
}

impl Shared {
    pub(super) fn new(seed: Seed, runtime: Handle) -> io::Result<Self> {
        let timers = Timers::start(&runtime)?;
        Ok(Self { seed, runtime, timers, budget: Budget::default(), pipes: Pipes::default() })
    }
}
