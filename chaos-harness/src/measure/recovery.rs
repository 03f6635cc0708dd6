//! When a system is steady again after its faults were undone.

use super::claim::{Claim, NoClaim};
use super::sample::Sample;
use super::summary::Summary;
use super::threshold::Threshold;
use crate::units::Rate;
use std::collections::VecDeque;
use std::time::Duration;

/// How long the steady state must hold.
const WINDOW: Duration = Duration::from_secs(1);

/// At low rates the window is longer, so that it says something.
const FEWEST_OPERATIONS: u64 = 20;

/// Looks for the first window of one second in which the steady state holds.
///
/// A window starts at each operation in turn, and is looked at once all of its operations have ended.
#[derive(Debug)]
pub(crate) struct Recovery {
    claims: Vec<Claim>,
    undone: Duration,
    operations: u64,
    /// The operations from the start of the current window on, by their place in the schedule.
    pending: VecDeque<Option<Sample>>,
    first: u64,
    /// How many at the front of `pending` have ended without a gap and are counted.
    counted: usize,
    /// How many of those have each claim's event.
    counts: Vec<u64>,
    recovered: Option<Duration>,
}

/// How many operations a window has at this rate.
fn window_operations(rate: Rate) -> u64 {
    rate.count_in(WINDOW).max(FEWEST_OPERATIONS)
}

/// How long a recovery phase must run beyond the recovery itself, so that its last window can be seen.
pub(crate) fn window(rate: Rate) -> Duration {
    rate.due(window_operations(rate))
}

impl Recovery {
    /// Watches for `steady_state` in a phase at `rate` that follows the undo, made at `undone` since the run began.
    pub(crate) fn new(
        steady_state: &[Threshold],
        rate: Rate,
        baseline: Option<&Summary>,
        undone: Duration,
    ) -> Result<Self, NoClaim> {
        let claims: Vec<_> = steady_state
            .iter()
            .map(|threshold| Claim::new(threshold, rate, baseline))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            counts: vec![0; claims.len()],
            claims,
            undone,
            operations: window_operations(rate),
            pending: VecDeque::new(),
            first: 0,
            counted: 0,
            recovered: None,
        })
    }

    /// Takes one operation of the phase, in whatever order they end.
    ///
    /// Once the steady state has held: how long after the undo the window in which it did began.
    pub(crate) fn observe(&mut self, sample: &Sample) -> Option<Duration> {
        if self.recovered.is_none() {
            self.keep(sample);
            self.recovered = self.slide();
        }
        self.recovered
    }

    /// How long after the undo the first steady window began, if one was seen.
    pub(crate) fn recovered(&self) -> Option<Duration> {
        self.recovered
    }

    fn keep(&mut self, sample: &Sample) {
        let Some(place) = sample.number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok())
        else {
            return;
        };
        if self.pending.len() <= place {
            self.pending.resize(place + 1, None);
        }
        self.pending[place] = Some(*sample);
    }

    fn slide(&mut self) -> Option<Duration> {
        while let Some(Some(next)) = self.pending.get(self.counted) {
            for (count, claim) in self.counts.iter_mut().zip(&self.claims) {
                *count += u64::from(claim.event.is_seen_in(next));
            }
            self.counted += 1;
            if (self.counted as u64) < self.operations {
                continue;
            }
            let oldest = self.pending.pop_front().flatten()?;
            let is_steady = self
                .claims
                .iter()
                .zip(&self.counts)
                .all(|(claim, count)| claim.is_met(*count, self.operations));
            if is_steady {
                return Some(oldest.scheduled.saturating_sub(self.undone));
            }
            for (count, claim) in self.counts.iter_mut().zip(&self.claims) {
                *count -= u64::from(claim.event.is_seen_in(&oldest));
            }
            self.first += 1;
            self.counted -= 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::metric;
    use crate::measure::sample::Outcome;
    use crate::measure::sample::tests::sample;
    use crate::units::Percent;
    use proptest::prelude::*;

    /// That of `sample`.
    const RATE: Rate = Rate::per_second(100);
    const BOUND: Duration = Duration::from_millis(50);

    fn steady_state() -> [Threshold; 2] {
        [metric::p90().below(BOUND), metric::error_rate().below(Percent::new(5))]
    }

    fn recovery() -> Recovery {
        Recovery::new(&steady_state(), RATE, None, Duration::ZERO).unwrap()
    }

    fn fast(number: u64) -> Sample {
        sample(number, Duration::from_millis(1))
    }

    #[test]
    fn a_system_that_never_left_recovers_at_once_but_not_before_it_has_held_for_the_window() {
        let mut recovery = recovery();
        assert!((0..99).all(|n| recovery.observe(&fast(n)).is_none()));
        assert_eq!(recovery.observe(&fast(99)), Some(Duration::ZERO));
        assert_eq!(window(RATE), Duration::from_secs(1));
    }

    #[test]
    fn an_operation_in_flight_holds_up_its_window() {
        let mut recovery = recovery();
        assert!((1..300).all(|n| recovery.observe(&fast(n)).is_none()));
        let slow = sample(0, Duration::from_secs(3));
        assert_eq!(recovery.observe(&slow), Some(Duration::ZERO), "one in a hundred may be slow");
    }

    #[test]
    fn recovery_is_dated_from_the_undo() {
        let mut recovery = Recovery::new(&steady_state(), RATE, None, Duration::from_millis(5)).unwrap();
        let error = |n| Sample { outcome: Outcome::Timeout, ..fast(n) };
        assert!((0..200).all(|n| recovery.observe(&error(n)).is_none()));
        let found = (200..).find_map(|n| recovery.observe(&fast(n)));
        // Four failures in a hundred are fewer than 5 %.
        assert_eq!(found, Some(Duration::from_millis(1_960 - 5)));
        assert_eq!(recovery.recovered(), found);
    }

    #[test]
    fn at_low_rates_the_window_is_twenty_operations() {
        let rate = Rate::per_second(2);
        assert_eq!(window(rate), Duration::from_secs(10));
    }

    proptest! {
        /// The same as looking at every window from its definition, in whatever order operations end.
        #[test]
        fn the_first_steady_window_is_found(
            slow in prop::collection::vec(prop::bool::weighted(0.1), 0..400),
            bad in 0_usize..300,
            seed: u64,
        ) {
            let samples: Vec<_> = slow.iter().enumerate().map(|(n, slow)| {
                let latency = if *slow || n < bad { BOUND } else { Duration::ZERO };
                sample(n as u64, latency)
            }).collect();
            let expected = samples.windows(100).find(|window| {
                window.iter().filter(|sample| sample.latency >= BOUND).count() * 10 < 100
                    || window.iter().all(|sample| sample.latency < BOUND)
            }).map(|window| window[0].scheduled);

            let mut shuffled = samples;
            for n in 1..shuffled.len() {
                let turn = u32::try_from(n).unwrap() % 64;
                let other = usize::try_from(seed.rotate_left(turn) % (n as u64 + 1)).unwrap();
                shuffled.swap(n, other);
            }
            let mut recovery = recovery();
            for sample in &shuffled {
                recovery.observe(sample);
            }
            prop_assert_eq!(recovery.recovered(), expected);
        }
    }
}
