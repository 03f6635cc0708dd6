//! The load that an experiment puts on its system.

use crate::units::{Factor, Rate};
use serde::Serialize;
use std::time::Duration;

/// How operations are generated, and for how long: `load(rate = 200/s, baseline = 5s, turbulence = 10s)`.
///
/// The load is open-loop: operations start on schedule whether or not earlier ones have ended.
///
/// ```
/// use chaos_harness::{Load, Rate};
/// use std::time::Duration;
///
/// let load = Load::new().rate(Rate::per_second(200)).turbulence(Duration::from_secs(10));
/// assert_eq!(load.rate, Rate::per_second(200));
/// assert_eq!(load.timeout, Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct Load {
    /// How many operations start each second. By default 100.
    pub rate: Rate,
    /// How long the load runs before anything is measured. By default 500 ms; may be zero.
    pub warmup: Duration,
    /// How long the steady state is measured before faults are injected. By default 3 s.
    pub baseline: Duration,
    /// How long the load runs with the faults in effect. By default 5 s.
    pub turbulence: Duration,
    /// How long an operation may take, from its scheduled start, before it counts as failed. By default 5 s.
    pub timeout: Duration,
    /// How many operations may be in flight. One more counts as failed, by overload. By default 1,000.
    pub concurrency: u32,
}

impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}

impl Load {
    /// The default load.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            rate: Rate::per_second(100),
            warmup: Duration::from_millis(500),
            baseline: Duration::from_secs(3),
            turbulence: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
            concurrency: 1_000,
        }
    }

    /// Starts operations at this rate.
    #[must_use]
    pub const fn rate(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    /// Runs for this long before anything is measured.
    #[must_use]
    pub const fn warmup(mut self, warmup: Duration) -> Self {
        self.warmup = warmup;
        self
    }

    /// Measures the steady state for this long before faults are injected.
    #[must_use]
    pub const fn baseline(mut self, baseline: Duration) -> Self {
        self.baseline = baseline;
        self
    }

    /// Runs for this long with the faults in effect.
    #[must_use]
    pub const fn turbulence(mut self, turbulence: Duration) -> Self {
        self.turbulence = turbulence;
        self
    }

    /// Makes each phase so many times as long.
    pub(crate) fn stretch(&mut self, factor: Factor) {
        for phase in [&mut self.warmup, &mut self.baseline, &mut self.turbulence] {
            *phase = factor.of_duration(*phase);
        }
    }

    /// Counts an operation as failed when it takes this long.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Allows this many operations in flight.
    #[must_use]
    pub const fn concurrency(mut self, concurrency: u32) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// What makes this load impossible to run.
    #[must_use]
    pub fn problems(&self) -> Vec<LoadProblem> {
        let mut problems = Vec::new();
        if self.rate.is_zero() {
            problems.push(LoadProblem::NoRate);
        }
        for (phase, span) in [("baseline", self.baseline), ("turbulence", self.turbulence)] {
            if span.is_zero() {
                problems.push(LoadProblem::EmptyPhase { phase });
            } else if !self.rate.is_zero() && self.rate.count_in(span) == 0 {
                problems.push(LoadProblem::NoOperations { phase, rate: self.rate });
            }
        }
        if self.timeout.is_zero() {
            problems.push(LoadProblem::NoTimeout);
        }
        if self.concurrency == 0 {
            problems.push(LoadProblem::NoConcurrency);
        }
        problems
    }
}

/// Why a load cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadProblem {
    /// Nothing ever starts.
    #[error("the load's rate is 0/s: nothing would be measured; write one as in `rate = 100/s`")]
    NoRate,
    /// A phase takes no time.
    #[error("the load's {phase} takes no time: nothing would be measured; write one as in `{phase} = 5s`")]
    EmptyPhase {
        /// Which phase.
        phase: &'static str,
    },
    /// A phase is over before an operation is due.
    #[error("no operation falls into the load's {phase} at {rate}: make it longer")]
    NoOperations {
        /// Which phase.
        phase: &'static str,
        /// How many operations start each second.
        rate: Rate,
    },
    /// Every operation fails at once.
    #[error("the load's time-out is zero: every operation would fail; write one as in `timeout = 5s`")]
    NoTimeout,
    /// No operation may start.
    #[error("the load's concurrency is 0: no operation could start; write one as in `concurrency = 1000`")]
    NoConcurrency,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_load_can_be_run() {
        assert_eq!(Load::new().problems(), []);
        assert_eq!(Load::new().warmup(Duration::ZERO).problems(), []);
    }

    #[test]
    fn every_problem_is_reported() {
        let load = Load::new()
            .rate(Rate::per_second(0))
            .baseline(Duration::ZERO)
            .turbulence(Duration::ZERO)
            .timeout(Duration::ZERO)
            .concurrency(0);
        assert_eq!(load.problems().len(), 5);
        let slow = Load::new().rate(Rate::per_thousand_seconds(1));
        assert_eq!(slow.problems().len(), 2, "both phases end before the first operation");
    }

    #[test]
    fn a_load_is_stored_and_read_back() {
        let load = Load::new().concurrency(7);
        let json = serde_json::to_string(&load).unwrap();
        assert_eq!(serde_json::from_str::<Load>(&json).unwrap(), load);
    }
}
