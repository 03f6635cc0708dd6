//! Thresholds as claims about a share of operations.
//!
//! A quantile threshold is a proportion: `p99 < 500ms` says that fewer than 1 % of operations take 500 ms or more.
//! So is a throughput: at 200/s, `throughput > 180/s` says that fewer than 10 % of operations do not succeed in time.

use super::sample::Sample;
use super::summary::Summary;
use super::threshold::{Bound, Comparison, Metric, Threshold};
use crate::units::{Percent, Rate, show_duration};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What makes an operation count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub enum Event {
    /// It had not been answered before this.
    TookAtLeast(Duration),
    /// It did not succeed in time.
    Failed,
}

impl Event {
    pub(crate) fn is_seen_in(self, sample: &Sample) -> bool {
        match self {
            Self::TookAtLeast(bound) => sample.took_at_least(bound),
            Self::Failed => !sample.is_ok(),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TookAtLeast(bound) => write!(f, "at or over {}", show_duration(*bound)),
            Self::Failed => f.write_str("failed"),
        }
    }
}

/// A threshold whose bound is known: the share of operations with this event is on this side of a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Claim {
    pub(crate) event: Event,
    pub(crate) side: Comparison,
    pub(crate) limit: f64,
    /// The bound, in the unit of the threshold's metric.
    pub(crate) bound: Measured,
    /// Whether the claim is about the operations themselves, not about the share behind them: `max`.
    pub(crate) is_observation: bool,
}

/// A value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub enum Measured {
    /// A latency.
    Latency(Duration),
    /// A share of operations.
    Share(Percent),
    /// Operations a second.
    Rate(Rate),
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(latency) => f.write_str(&show_duration(*latency)),
            Self::Share(share) => write!(f, "{}%", round(share.fraction() * 100.0)),
            Self::Rate(rate) => write!(f, "{}/s", round(rate.hertz())),
        }
    }
}

/// Rounded for people: as many digits as a histogram keeps.
fn round(value: f64) -> f64 {
    let decimals = if value.abs() >= 100.0 { 1.0 } else { 1_000.0 };
    (value * decimals).round() / decimals
}

/// Why a threshold is no claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoClaim {
    #[error("its bound is relative to the baseline, which has not been measured")]
    NoBaseline,
    #[error("its bound has the wrong unit: {metric} cannot be compared with {bound}")]
    WrongUnit { metric: Metric, bound: Bound },
}

impl Claim {
    /// What `threshold` claims of operations scheduled at `rate`.
    pub(crate) fn new(
        threshold: &Threshold,
        rate: Rate,
        baseline: Option<&Summary>,
    ) -> Result<Self, NoClaim> {
        let bound = match threshold.bound {
            Bound::Latency(latency) => Measured::Latency(latency),
            Bound::Share(share) => Measured::Share(share),
            Bound::Rate(bound) => Measured::Rate(bound),
            Bound::Baseline(relative) => {
                let measured = baseline.ok_or(NoClaim::NoBaseline)?.measured(threshold.metric);
                scale(measured, relative.factor().value())
            }
        };
        let (event, limit) = match (threshold.metric, bound) {
            (Metric::Latency(quantile), Measured::Latency(latency)) => {
                (Event::TookAtLeast(latency), quantile.tail().fraction())
            }
            (Metric::MaxLatency, Measured::Latency(latency)) => (Event::TookAtLeast(latency), 0.0),
            (Metric::ErrorRate, Measured::Share(share)) => (Event::Failed, share.fraction()),
            (Metric::Throughput, Measured::Rate(bound)) => {
                (Event::Failed, 1.0 - bound.hertz() / rate.hertz())
            }
            (metric, _) => return Err(NoClaim::WrongUnit { metric, bound: threshold.bound }),
        };
        // More throughput is less failure.
        let side = match (threshold.metric, threshold.comparison) {
            (Metric::Throughput, Comparison::Above) => Comparison::Below,
            (Metric::Throughput, Comparison::Below) => Comparison::Above,
            (_, side) => side,
        };
        let is_observation = threshold.metric == Metric::MaxLatency;
        Ok(Self { event, side, limit, bound, is_observation })
    }

    /// Whether these operations themselves are as claimed, whatever they say of others.
    pub(crate) fn is_met(&self, count: u64, operations: u64) -> bool {
        let share = count as f64 / operations as f64;
        match self.side {
            // Nothing seen is as low as can be observed, also where the limit is nothing.
            Comparison::Below => (count == 0 && self.limit >= 0.0) || share < self.limit,
            Comparison::Above => share > self.limit,
        }
    }
}

fn scale(measured: Measured, factor: f64) -> Measured {
    match measured {
        Measured::Latency(latency) => Measured::Latency(
            Duration::try_from_secs_f64(latency.as_secs_f64() * factor).unwrap_or(Duration::MAX),
        ),
        Measured::Share(share) => Measured::Share(Percent::from_fraction(share.fraction() * factor)),
        Measured::Rate(rate) => Measured::Rate(rate_of(rate.hertz() * factor)),
    }
}

/// The nearest rate to `hertz`.
pub(crate) fn rate_of(hertz: f64) -> Rate {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float's cast saturates")]
    let per_thousand_seconds = (hertz * 1_000.0).round() as u64;
    Rate::per_thousand_seconds(per_thousand_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::metric;

    const RATE: Rate = Rate::per_second(200);

    #[test]
    fn thresholds_are_claims_about_shares() {
        let claim = |threshold| Claim::new(&threshold, RATE, None).unwrap();
        let slow = claim(metric::p99().below(Duration::from_millis(500)));
        assert_eq!(slow.event, Event::TookAtLeast(Duration::from_millis(500)));
        assert_eq!((slow.side, slow.limit), (Comparison::Below, 0.01));

        let floor = claim(metric::throughput().above(Rate::per_second(180)));
        assert_eq!((floor.event, floor.side), (Event::Failed, Comparison::Below));
        assert!((floor.limit - 0.1).abs() < 1e-12);

        let max = claim(metric::max().above(Duration::from_secs(1)));
        assert!(max.is_observation && max.is_met(1, 100) && !max.is_met(0, 100));
    }

    #[test]
    fn a_bound_of_another_unit_is_refused() {
        let threshold = Threshold {
            metric: Metric::ErrorRate,
            comparison: Comparison::Below,
            bound: Bound::Latency(Duration::from_secs(1)),
        };
        let error = Claim::new(&threshold, RATE, None).unwrap_err();
        assert_eq!(error.to_string(), "its bound has the wrong unit: error_rate cannot be compared with 1s");
    }

    #[test]
    fn a_relative_bound_needs_a_baseline() {
        let threshold = metric::p99().below(crate::units::Factor::from_ppm(2_000_000).of(metric::baseline()));
        assert_eq!(Claim::new(&threshold, RATE, None), Err(NoClaim::NoBaseline));
    }

    #[test]
    fn a_limit_is_met_strictly_unless_nothing_was_seen() {
        let claim = |threshold| Claim::new(&threshold, RATE, None).unwrap();
        let few = claim(metric::error_rate().below(Percent::new(1)));
        assert!(few.is_met(0, 20) && few.is_met(1, 101) && !few.is_met(1, 100));
        let none = claim(metric::error_rate().below(Percent::ZERO));
        assert!(none.is_met(0, 20));
        let many = claim(metric::error_rate().above(Percent::new(50)));
        assert!(many.is_met(11, 20) && !many.is_met(10, 20));
    }
}
