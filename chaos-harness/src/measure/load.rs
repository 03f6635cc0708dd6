//! The load.
use crate::units::Rate;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The load, and how long the phases are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    rate: Rate,
    warmup: Duration,
    baseline: Duration,
    turbulence: Duration,
    timeout: Duration,
    concurrency: u32,
}
impl Load {
    /// The default.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            rate: Rate::per_second(100),
            warmup: Duration::ZERO,
            baseline: Duration::from_secs(5),
            turbulence: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            concurrency: 1_000,
        }
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
    /// The baseline.
    #[must_use]
    pub const fn baseline(self, baseline: Duration) -> Self {
        Self { baseline, ..self }
    }
    /// The turbulence.
    #[must_use]
    pub const fn turbulence(self, turbulence: Duration) -> Self {
        Self { turbulence, ..self }
    }
    /// The timeout.
    #[must_use]
    pub const fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
    /// The concurrency.
    #[must_use]
    pub const fn concurrency(self, concurrency: u32) -> Self {
        Self { concurrency, ..self }
    }
}
impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}
