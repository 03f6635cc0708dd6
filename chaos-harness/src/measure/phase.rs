//! The operations of one phase, as they are scheduled and as they end.

use super::sample::{ErrorTable, Outcome, Sample};
use super::summary::Summary;
use crate::units::Rate;
use std::time::Duration;

/// What a phase measured.
#[derive(Debug, Clone)]
pub(crate) struct PhaseSamples {
    /// The operations that ended, in the order of their schedule.
    pub(crate) samples: Vec<Sample>,
    /// What their errors said.
    pub(crate) errors: ErrorTable,
    /// Why the phase ended.
    pub(crate) end: PhaseEnd,
}

/// Why a phase ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PhaseEnd {
    /// All of its operations have ended.
    Complete,
    /// Its observer wanted no more.
    Observed,
    /// It was told to stop, or dropped.
    Stopped,
    /// An operation panicked with this message.
    Panicked(String),
}

impl PhaseSamples {
    /// Adds the operations of a later phase, as one phase that was extended.
    pub(crate) fn extend(&mut self, later: Self) {
        let renamed = self.errors.merge(&later.errors);
        // The later schedule began again from 0.
        let first = self.samples.last().map_or(0, |last| last.number + 1);
        self.samples.extend(later.samples.into_iter().map(|sample| Sample {
            number: first + sample.number,
            outcome: match sample.outcome {
                Outcome::Error(id) => Outcome::Error(renamed(id)),
                other => other,
            },
            ..sample
        }));
        self.end = later.end;
    }

    /// The operations as they would be if the generator had been in time: each counted from when it was dispatched.
    pub(crate) fn as_if_in_time(&self) -> Vec<Sample> {
        let in_time = |sample: &Sample| Sample {
            scheduled: sample.scheduled + sample.dispatched_late,
            dispatched_late: Duration::ZERO,
            latency: sample.latency.saturating_sub(sample.dispatched_late),
            ..*sample
        };
        self.samples.iter().map(in_time).collect()
    }

    /// What is kept of these operations, scheduled at `rate`.
    pub(crate) fn summary(&self, rate: Rate) -> Summary {
        Summary::new(&self.samples, &self.errors, rate)
    }
}

/// How an operation ended, as its task tells it.
#[derive(Debug)]
pub(super) enum Ending {
    Ok,
    Error(String),
    Timeout,
    Panic(String),
}

/// The schedule of a phase: what was dispatched, and what has ended.
#[derive(Debug, Default)]
pub(super) struct Progress {
    dispatched: Vec<Dispatched>,
    ended: u64,
    errors: ErrorTable,
}

#[derive(Debug)]
struct Dispatched {
    scheduled: Duration,
    late: Duration,
    result: Option<(Duration, Outcome)>,
}

impl Progress {
    /// Takes the next operation; gives its number.
    pub(super) fn dispatch(&mut self, scheduled: Duration, late: Duration) -> u64 {
        self.dispatched.push(Dispatched { scheduled, late, result: None });
        self.dispatched.len() as u64 - 1
    }

    /// How many were dispatched and have not ended.
    pub(super) fn in_flight(&self) -> u64 {
        self.dispatched.len() as u64 - self.ended
    }

    /// Takes the end of an operation that was dispatched.
    pub(super) fn end(&mut self, number: u64, latency: Duration, ending: &Ending) -> Option<Sample> {
        let outcome = match ending {
            Ending::Ok => Outcome::Ok,
            Ending::Error(message) => Outcome::Error(self.errors.record(message)),
            Ending::Timeout => Outcome::Timeout,
            Ending::Panic(_) => Outcome::Panic,
        };
        self.set(number, latency, outcome)
    }

    /// Takes an operation that could not be started. It is charged its time-out: it was never answered.
    pub(super) fn overload(&mut self, number: u64, timeout: Duration) -> Option<Sample> {
        self.set(number, timeout, Outcome::Overload)
    }

    /// The numbers of the operations in flight.
    pub(super) fn unfinished(&self) -> Vec<u64> {
        (0..).zip(&self.dispatched).filter(|(_, op)| op.result.is_none()).map(|(number, _)| number).collect()
    }

    pub(super) fn into_samples(self, end: PhaseEnd) -> PhaseSamples {
        let samples = (0..).zip(&self.dispatched).filter_map(|(number, op)| op.sample(number)).collect();
        PhaseSamples { samples, errors: self.errors, end }
    }

    fn set(&mut self, number: u64, latency: Duration, outcome: Outcome) -> Option<Sample> {
        let op = self.dispatched.get_mut(usize::try_from(number).ok()?)?;
        if op.result.is_none() {
            self.ended += 1;
        }
        op.result = Some((latency, outcome));
        op.sample(number)
    }
}

impl Dispatched {
    fn sample(&self, number: u64) -> Option<Sample> {
        let (latency, outcome) = self.result?;
        Some(Sample { number, scheduled: self.scheduled, dispatched_late: self.late, latency, outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(messages: &[&str]) -> PhaseSamples {
        let mut progress = Progress::default();
        for message in messages {
            let number = progress.dispatch(Duration::ZERO, Duration::ZERO);
            progress.end(number, Duration::from_millis(1), &Ending::Error((*message).to_owned()));
        }
        progress.into_samples(PhaseEnd::Complete)
    }

    #[test]
    fn an_extended_phase_is_one_phase() {
        let mut extended = phase(&["reset"]);
        extended.extend(phase(&["refused", "reset"]));
        let numbers: Vec<_> = extended.samples.iter().map(|sample| sample.number).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(extended.samples[0].outcome, extended.samples[2].outcome);
        assert_ne!(extended.samples[0].outcome, extended.samples[1].outcome);
        assert_eq!(extended.summary(Rate::per_second(100)).failed, 3);
    }

    #[test]
    fn lateness_of_the_generator_can_be_taken_out_of_latencies() {
        let mut progress = Progress::default();
        let number = progress.dispatch(Duration::from_millis(5), Duration::from_millis(30));
        progress.end(number, Duration::from_millis(40), &Ending::Ok);
        let sample = progress.into_samples(PhaseEnd::Complete).as_if_in_time()[0];
        assert_eq!(sample.scheduled, Duration::from_millis(35));
        assert_eq!(sample.latency, Duration::from_millis(10));
        assert_eq!(sample.finished(), Duration::from_millis(45));
    }

    #[test]
    fn operations_that_have_not_ended_are_no_samples() {
        let mut progress = Progress::default();
        for _ in 0..3 {
            progress.dispatch(Duration::ZERO, Duration::ZERO);
        }
        progress.end(2, Duration::from_millis(1), &Ending::Ok);
        progress.overload(0, Duration::from_secs(5));
        assert_eq!((progress.in_flight(), progress.unfinished()), (1, vec![1]));
        let samples = progress.into_samples(PhaseEnd::Stopped).samples;
        assert_eq!(samples.iter().map(|sample| sample.number).collect::<Vec<_>>(), [0, 2]);
    }
}
