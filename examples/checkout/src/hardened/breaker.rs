//! A circuit breaker: what has failed is left alone for a while, then tried with one request.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::backoff::Backoff;

/// When to stop asking, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// So many failures in a row open the breaker.
    pub(super) failures: u32,
    /// How long it stays open, longer with each probe that fails.
    pub(super) cooling: Backoff,
    /// A probe that says nothing for so long does not keep others from trying.
    pub(super) probe_limit: Duration,
}

#[derive(Debug)]
pub(super) struct Breaker {
    policy: Policy,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, probes: u32 },
    Probing { until: Instant, probes: u32 },
}

impl Breaker {
    pub(super) fn new(policy: Policy) -> Self {
        Self { policy, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether a request may be sent now. Of those that ask once the time is up, one is let through.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut state = self.state();
        match *state {
            State::Closed { .. } => true,
            State::Open { until, .. } | State::Probing { until, .. } if now < until => false,
            State::Open { probes, .. } | State::Probing { probes, .. } => {
                *state = State::Probing { until: now + self.policy.probe_limit, probes };
                true
            }
        }
    }

    pub(super) fn succeeded(&self) {
        *self.state() = State::Closed { failures: 0 };
    }

    pub(super) fn failed(&self, now: Instant) {
        let mut state = self.state();
        *state = match *state {
            State::Closed { failures } if failures + 1 < self.policy.failures => {
                State::Closed { failures: failures + 1 }
            }
            State::Closed { .. } => State::Open { until: now + self.policy.cooling.wait(0), probes: 0 },
            State::Probing { probes, .. } => {
                let probes = probes.saturating_add(1);
                State::Open { until: now + self.policy.cooling.wait(probes), probes }
            }
            // Sent before it opened: no news.
            open @ State::Open { .. } => open,
        };
    }

    /// The state is a plain value: a thread that panicked cannot have left it half written.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "an application reads its own clock")]

    use super::*;

    const FIRST: Duration = Duration::from_secs(1);
    const PROBE: Duration = Duration::from_millis(100);

    fn breaker(failures: u32) -> Breaker {
        let cooling = Backoff { first: FIRST, longest: 8 * FIRST };
        Breaker::new(Policy { failures, cooling, probe_limit: PROBE })
    }

    #[test]
    fn it_opens_at_the_last_of_the_failures_in_a_row() {
        let (breaker, now) = (breaker(3), Instant::now());
        breaker.failed(now);
        breaker.failed(now);
        breaker.succeeded();
        breaker.failed(now);
        breaker.failed(now);
        assert!(breaker.admits(now));
        breaker.failed(now);
        assert!(!breaker.admits(now));
    }

    #[test]
    fn one_probe_at_a_time_is_let_through() {
        let (breaker, now) = (breaker(1), Instant::now());
        breaker.failed(now);
        let later = now + FIRST;
        assert!(breaker.admits(later));
        assert!(!breaker.admits(later));
        assert!(breaker.admits(later + PROBE), "a probe without an answer blocks for its limit only");
    }

    #[test]
    fn a_probe_decides() {
        let (breaker, now) = (breaker(1), Instant::now());
        breaker.failed(now);
        let later = now + FIRST;
        assert!(breaker.admits(later));
        breaker.failed(later);
        assert!(!breaker.admits(later + FIRST / 2), "it stays open for longer than the first time");
        let last = later + 2 * FIRST;
        assert!(breaker.admits(last));
        breaker.succeeded();
        assert!(breaker.admits(last) && breaker.admits(last));
    }

    #[test]
    fn requests_that_fail_together_count_once() {
        let (breaker, now) = (breaker(1), Instant::now());
        for _ in 0..50 {
            breaker.failed(now);
        }
        assert!(breaker.admits(now + FIRST));
    }
}
