//! What a phase measured, small enough to keep.

use super::claim::{Measured, rate_of};
use super::sample::{ErrorTable, Outcome, Sample};
use super::threshold::{Metric, Quantile};
use crate::units::{Percent, Rate, show_duration};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// An operation dispatched later than this says that the generator, not the system, was late.
const LATE: Duration = Duration::from_millis(20);

/// What one phase measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct Summary {
    /// At which rate operations were scheduled.
    pub rate: Rate,
    /// How many operations were measured.
    pub operations: u64,
    /// How many succeeded in time.
    pub succeeded: u64,
    /// How many failed with an error of their own.
    pub failed: u64,
    /// How many had not ended at their time-out.
    pub timed_out: u64,
    /// How many found as many in flight as allowed, and were never started.
    pub overloaded: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many the generator dispatched more than 20 ms after their scheduled start.
    pub dispatched_late: u64,
    /// The error messages.
    pub errors: ErrorTable,
    /// The latencies of all operations, each from its scheduled start.
    pub latencies: Latencies,
}

impl Summary {
    pub(crate) fn new(samples: &[Sample], errors: &ErrorTable, rate: Rate) -> Self {
        let mut summary = Self {
            rate,
            operations: samples.len() as u64,
            succeeded: 0,
            failed: 0,
            timed_out: 0,
            overloaded: 0,
            panicked: 0,
            dispatched_late: 0,
            errors: errors.clone(),
            latencies: Latencies::new(),
        };
        for sample in samples {
            *match sample.outcome {
                Outcome::Ok => &mut summary.succeeded,
                Outcome::Error(_) => &mut summary.failed,
                Outcome::Timeout => &mut summary.timed_out,
                Outcome::Overload => &mut summary.overloaded,
                Outcome::Panic => &mut summary.panicked,
            } += 1;
            summary.dispatched_late += u64::from(sample.dispatched_late > LATE);
            summary.latencies.record(sample.latency, 1);
        }
        summary
    }

    /// A phase at `rate` in which everything succeeded at once.
    pub(crate) fn ideal(rate: Rate) -> Self {
        Self { operations: 1, succeeded: 1, ..Self::new(&[], &ErrorTable::default(), rate) }
    }

    /// The share of operations that did not succeed in time.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        share(self.operations - self.succeeded, self.operations)
    }

    /// Operations a second that succeeded in time: that share of the configured rate.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.rate.hertz() * share(self.succeeded, self.operations)
    }

    /// The share of operations that the generator itself dispatched late.
    #[must_use]
    pub fn late_share(&self) -> f64 {
        share(self.dispatched_late, self.operations)
    }

    /// The value of `metric`.
    pub(crate) fn measured(&self, metric: Metric) -> Measured {
        match metric {
            Metric::Latency(quantile) => Measured::Latency(self.latencies.quantile(quantile)),
            Metric::MaxLatency => Measured::Latency(self.latencies.max()),
            Metric::ErrorRate => Measured::Share(Percent::from_fraction(self.error_rate())),
            Metric::Throughput => Measured::Rate(rate_of(self.throughput())),
        }
    }
}

fn share(count: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { count as f64 / of as f64 }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quantile = |percent| show_duration(self.latencies.quantile(Quantile::new(Percent::new(percent))));
        write!(
            f,
            "{} operations at {}, {} in error, {} in time, p50 {}, p99 {}, max {}",
            self.operations,
            self.rate,
            Measured::Share(Percent::from_fraction(self.error_rate())),
            Measured::Rate(rate_of(self.throughput())),
            quantile(50),
            quantile(99),
            show_duration(self.latencies.max()),
        )?;
        if self.dispatched_late > 0 {
            let late = Percent::from_fraction(self.late_share());
            write!(f, ", {} dispatched over {} late", Measured::Share(late), show_duration(LATE))?;
        }
        Ok(())
    }
}

/// Latencies, in a histogram that keeps three significant digits of each.
///
/// Stored with the usual quantiles beside it, for readers that want no more; they are not read back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(from = "Stored", into = "Stored")]
pub struct Latencies(Histogram<u64>);

/// The form in which latencies are stored, all in microseconds.
#[derive(Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
struct Stored {
    #[serde(skip_deserializing)]
    p50: u64,
    #[serde(skip_deserializing)]
    p90: u64,
    #[serde(skip_deserializing)]
    p95: u64,
    #[serde(skip_deserializing)]
    p99: u64,
    #[serde(skip_deserializing, rename = "p99.9")]
    p99_9: u64,
    #[serde(skip_deserializing)]
    max: u64,
    /// Each latency that was seen, and how often.
    histogram: Vec<(u64, u64)>,
}

impl From<Stored> for Latencies {
    fn from(stored: Stored) -> Self {
        let mut latencies = Self::new();
        for (micros, count) in stored.histogram {
            latencies.record(Duration::from_micros(micros), count);
        }
        latencies
    }
}

impl From<Latencies> for Stored {
    fn from(Latencies(histogram): Latencies) -> Self {
        Self {
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p95: histogram.value_at_quantile(0.95),
            p99: histogram.value_at_quantile(0.99),
            p99_9: histogram.value_at_quantile(0.999),
            max: histogram.max(),
            histogram: histogram
                .iter_recorded()
                .map(|step| (step.value_iterated_to(), step.count_at_value()))
                .collect(),
        }
    }
}

impl Latencies {
    const LONGEST: Duration = Duration::from_secs(24 * 3600);

    fn new() -> Self {
        let longest = u64::try_from(Self::LONGEST.as_micros()).unwrap_or(u64::MAX);
        #[expect(clippy::expect_used, reason = "constant arguments, within the documented ranges")]
        let histogram = Histogram::new_with_max(longest, 3).expect("a histogram of these bounds exists");
        Self(histogram)
    }

    fn record(&mut self, latency: Duration, count: u64) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record_n(micros, count);
    }

    /// The latency that this share of operations stays within; zero without operations.
    #[must_use]
    pub fn quantile(&self, quantile: Quantile) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(quantile.share().fraction()))
    }

    /// The longest latency; zero without operations.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::sample::tests::sample;
    use proptest::prelude::*;

    fn samples() -> (Vec<Sample>, ErrorTable) {
        let mut errors = ErrorTable::default();
        let refused = errors.record("refused");
        let outcomes = [Outcome::Error(refused), Outcome::Timeout, Outcome::Overload, Outcome::Ok];
        let samples = (0..100).map(|n| {
            let outcome = outcomes.get(usize::try_from(n).unwrap()).copied().unwrap_or(Outcome::Ok);
            Sample { outcome, ..sample(n, Duration::from_millis(n + 1)) }
        });
        (samples.collect(), errors)
    }

    #[test]
    fn every_outcome_is_counted_once() {
        let (samples, errors) = samples();
        let summary = Summary::new(&samples, &errors, Rate::per_second(200));
        assert_eq!((summary.failed, summary.timed_out, summary.overloaded, summary.succeeded), (1, 1, 1, 97));
        assert_eq!(
            summary.to_string(),
            "100 operations at 200/s, 3% in error, 194/s in time, p50 50ms, p99 99ms, max 100ms"
        );
    }

    #[test]
    fn only_what_was_late_by_more_than_the_slack_counts_as_late() {
        let (mut samples, errors) = samples();
        samples[0].dispatched_late = LATE;
        samples[1].dispatched_late = LATE + Duration::from_millis(1);
        let summary = Summary::new(&samples, &errors, Rate::per_second(200));
        assert_eq!(summary.dispatched_late, 1);
        assert!(summary.to_string().ends_with("1% dispatched over 20ms late"));
    }

    #[test]
    fn nothing_measured_is_nothing() {
        let summary = Summary::new(&[], &ErrorTable::default(), Rate::per_second(200));
        assert_eq!((summary.error_rate(), summary.throughput(), summary.late_share()), (0.0, 0.0, 0.0));
        assert_eq!(summary.latencies.max(), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn a_summary_reads_back_as_it_was_stored(latencies in prop::collection::vec(0_u64..100_000_000, 0..200)) {
            let samples: Vec<_> =
                (0..).zip(&latencies).map(|(n, micros)| sample(n, Duration::from_micros(*micros))).collect();
            let summary = Summary::new(&samples, &ErrorTable::default(), Rate::per_second(200));
            let read: Summary = serde_json::from_str(&serde_json::to_string(&summary).unwrap()).unwrap();
            for percent in [0, 50, 90, 99, 100] {
                let quantile = Quantile::new(Percent::new(percent));
                prop_assert_eq!(read.latencies.quantile(quantile), summary.latencies.quantile(quantile));
            }
            prop_assert_eq!(read.operations, summary.operations);
        }
    }
}
