//! The load.
use crate::units::Rate;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The load, and how long the phases are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    rate: Rate,
    warmup: Duration,
}
impl Load {
    /// The default.
    #[must_use]
    pub const fn new() -> Self {
        Self { rate: Rate::per_second(100), warmup: Duration::ZERO }
    }
    /// The rate.
    #[must_use]
    pub const fn rate(self, rate: Rate) -> Self {
        Self { rate, ..self }
    }
    /// The warmup.
    #[must_use]
    pub const fn warmup(self, warmup: Duration) -> Self {
        Self { warmup, ..self }
    }
}
impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}
