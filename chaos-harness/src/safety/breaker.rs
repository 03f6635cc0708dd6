//! The breaker: ends an experiment as soon as a halt condition is met.

use crate::measure::{Claim, Event, Sample, Summary, Threshold};
use crate::units::Rate;
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// How far back a halt condition looks.
const WINDOW: Duration = Duration::from_secs(1);

/// Fewer operations than this say nothing.
const FEWEST_OPERATIONS: usize = 20;

/// Watches halt conditions over a sliding window of the operations that ended in the last second.
///
/// It judges what it sees, without any statement of confidence: harm done is harm done.
#[derive(Debug)]
pub(crate) struct Breaker {
    conditions: Vec<Condition>,
    /// The operations of the window, by when they ended.
    window: VecDeque<Sample>,
}

#[derive(Debug)]
struct Condition {
    threshold: Threshold,
    claim: Claim,
    count: u64,
}

/// A halt condition was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct Tripped {
    /// The halt condition.
    pub threshold: Threshold,
    /// What was counted.
    pub event: Event,
    /// How many operations had the event.
    pub count: u64,
    /// Of how many that ended within one second.
    pub operations: u64,
    /// When, since the run began.
    pub at: Duration,
}

impl fmt::Display for Tripped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threshold, event, count, operations, .. } = self;
        write!(f, "halted by {threshold}: {count} of {operations} operations within 1s {event}")
    }
}

impl Breaker {
    /// Watches `conditions` of operations scheduled at `rate`.
    ///
    /// A condition that is relative to the baseline is not watched before there is one.
    pub(crate) fn new(conditions: &[Threshold], rate: Rate, baseline: Option<&Summary>) -> Self {
        let conditions = conditions
            .iter()
            .filter_map(|threshold| {
                let claim = Claim::new(threshold, rate, baseline).ok()?;
                Some(Condition { threshold: *threshold, claim, count: 0 })
            })
            .collect();
        Self { conditions, window: VecDeque::new() }
    }

    /// Takes an operation that has just ended.
    pub(crate) fn observe(&mut self, sample: &Sample) -> Option<Tripped> {
        self.enter(*sample);
        let latest = self.window.back().map_or(Duration::ZERO, Sample::finished);
        while self.window.front().is_some_and(|oldest| oldest.finished() + WINDOW <= latest) {
            self.leave();
        }
        if self.window.len() < FEWEST_OPERATIONS {
            return None;
        }
        let operations = self.window.len() as u64;
        let met =
            self.conditions.iter().find(|condition| condition.claim.is_met(condition.count, operations))?;
        Some(Tripped {
            threshold: met.threshold,
            event: met.claim.event,
            count: met.count,
            operations,
            at: latest,
        })
    }

    fn enter(&mut self, sample: Sample) {
        for condition in &mut self.conditions {
            condition.count += u64::from(condition.claim.event.is_seen_in(&sample));
        }
        // They come nearly in the order in which they ended, from many tasks at once.
        let later = self.window.iter().rev().take_while(|other| other.finished() > sample.finished()).count();
        self.window.insert(self.window.len() - later, sample);
    }

    fn leave(&mut self) {
        let Some(sample) = self.window.pop_front() else { return };
        for condition in &mut self.conditions {
            condition.count -= u64::from(condition.claim.event.is_seen_in(&sample));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::metric;
    use crate::measure::sample::Outcome;
    use crate::measure::sample::tests::sample;
    use crate::units::{Factor, Percent};

    /// That of `sample`.
    const RATE: Rate = Rate::per_second(100);

    fn breaker(condition: Threshold) -> Breaker {
        Breaker::new(&[condition], RATE, None)
    }

    fn ok(number: u64) -> Sample {
        sample(number, Duration::ZERO)
    }

    fn failed(number: u64) -> Sample {
        Sample { outcome: Outcome::Overload, ..ok(number) }
    }

    fn half_failing() -> Threshold {
        metric::error_rate().above(Percent::new(50))
    }

    #[test]
    fn fewer_than_twenty_operations_trip_nothing() {
        let mut breaker = breaker(half_failing());
        assert!((0..19).all(|n| breaker.observe(&failed(n)).is_none()));
        let tripped = breaker.observe(&failed(19)).unwrap();
        assert_eq!(tripped.to_string(), "halted by error_rate > 50%: 20 of 20 operations within 1s failed");
        assert_eq!(tripped.at, Duration::from_millis(190));
    }

    #[test]
    fn a_condition_must_be_exceeded() {
        let mut breaker = breaker(half_failing());
        let halves = (0..200).map(|n| if n % 2 == 1 { failed(n) } else { ok(n) });
        assert!(halves.into_iter().all(|sample| breaker.observe(&sample).is_none()));
        assert!(breaker.observe(&failed(200)).is_some(), "51 of the last hundred");
    }

    #[test]
    fn only_the_last_second_counts() {
        let mut breaker = breaker(half_failing());
        assert!((0..1_000).all(|n| breaker.observe(&ok(n)).is_none()));
        let tripped = (1_000..).find_map(|n| breaker.observe(&failed(n))).unwrap();
        assert_eq!((tripped.count, tripped.operations), (51, 100));
    }

    #[test]
    fn operations_count_from_when_they_end() {
        let mut breaker = breaker(metric::p50().above(Duration::from_secs(1)));
        // Scheduled over two seconds, these all end at the same moment.
        let end = Duration::from_secs(5);
        let stalled = (0..200).map(|n| sample(n, Duration::from_millis(5_000 - 10 * n)));
        let tripped = stalled.into_iter().find_map(|sample| breaker.observe(&sample)).unwrap();
        assert_eq!((tripped.operations, tripped.at), (20, end));
    }

    #[test]
    fn late_news_of_an_old_operation_does_not_move_the_window() {
        let mut breaker = breaker(half_failing());
        for n in 100..200 {
            assert_eq!(breaker.observe(&ok(n)), None);
        }
        for n in 0..99 {
            assert_eq!(breaker.observe(&failed(n)), None);
        }
        assert_eq!(breaker.window.len(), 100);
        assert_eq!(breaker.conditions[0].count, 0);
    }

    #[test]
    fn too_little_throughput_trips() {
        let mut breaker = breaker(metric::throughput().below(Rate::per_second(50)));
        let tripped = (0..).find_map(|n| breaker.observe(&if n % 3 == 0 { ok(n) } else { failed(n) }));
        assert_eq!(tripped.unwrap().operations, 20);
    }

    #[test]
    fn a_relative_condition_waits_for_its_baseline() {
        let condition = metric::p99().above(Factor::from_ppm(2_000_000).of(metric::baseline()));
        let mut blind = breaker(condition);
        assert!((0..100).all(|n| blind.observe(&failed(n)).is_none()));

        let baseline = Summary::ideal(RATE);
        let mut breaker = Breaker::new(&[condition], RATE, Some(&baseline));
        assert!((0..100).any(|n| breaker.observe(&failed(n)).is_some()));
    }
}
