//! The metrics that a threshold can name, each with the unit its bound must have.
//!
//! ```
//! use chaos_harness::{metric, Percent, Rate};
//! use std::time::Duration;
//!
//! let slow = metric::p99().below(Duration::from_millis(500));
//! assert_eq!(slow.to_string(), "p99 < 500ms");
//! assert_eq!(metric::p99().point(9, 1).below(Duration::from_millis(80)).to_string(), "p99.9 < 80ms");
//! assert_eq!(metric::error_rate().below(Percent::new(1)).to_string(), "error_rate < 1%");
//! assert_eq!(metric::throughput().above(Rate::per_second(180)).to_string(), "throughput > 180/s");
//! assert_eq!(
//!     metric::throughput().above(Percent::new(90).of(metric::baseline())).to_string(),
//!     "throughput > 90% of baseline",
//! );
//! ```

use super::threshold::{Bound, Comparison, Metric, Quantile, Threshold};
use crate::units::{Factor, Percent, Rate};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What the baseline phase measured, as a bound: `2x baseline`, `90% of baseline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Baseline(());

/// What the baseline phase measured for the same metric.
#[must_use]
pub const fn baseline() -> Baseline {
    Baseline(())
}

/// A multiple of what the baseline measured for the same metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(transparent)]
pub struct Relative(Factor);

impl Relative {
    /// How many times the measured value.
    #[must_use]
    pub const fn factor(self) -> Factor {
        self.0
    }
}

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = self.0.value();
        if times <= 1.0 {
            write!(f, "{}% of baseline", times * 100.0)
        } else {
            write!(f, "{times}x baseline")
        }
    }
}

impl Percent {
    /// This share of what the baseline measured: `90% of baseline`.
    #[must_use]
    pub const fn of(self, _: Baseline) -> Relative {
        Relative(Factor::from_ppm(self.ppm() as u64))
    }
}

impl Factor {
    /// This multiple of what the baseline measured: `2x baseline`.
    #[must_use]
    pub const fn of(self, _: Baseline) -> Relative {
        Relative(self)
    }
}

/// What a latency can be compared with: a [`Duration`], or a multiple of the baseline.
#[diagnostic::on_unimplemented(
    message = "a latency cannot be compared with `{Self}`",
    label = "not a latency",
    note = "write a duration, as in `500ms`, or a multiple of the measured one, as in `2x baseline`"
)]
pub trait LatencyBound: sealed::Sealed {
    #[doc(hidden)]
    fn into_bound(self) -> Bound;
}

/// What a share of operations can be compared with: a [`Percent`], or a multiple of the baseline.
#[diagnostic::on_unimplemented(
    message = "a share of operations cannot be compared with `{Self}`",
    label = "not a share",
    note = "write a percentage, as in `1%`, or a multiple of the measured one, as in `2x baseline`"
)]
pub trait ShareBound: sealed::Sealed {
    #[doc(hidden)]
    fn into_bound(self) -> Bound;
}

/// What a throughput can be compared with: a [`Rate`], or a share of the baseline.
#[diagnostic::on_unimplemented(
    message = "a throughput cannot be compared with `{Self}`",
    label = "not a rate",
    note = "write a rate, as in `180/s`, or a share of the measured one, as in `90% of baseline`"
)]
pub trait RateBound: sealed::Sealed {
    #[doc(hidden)]
    fn into_bound(self) -> Bound;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for std::time::Duration {}
    impl Sealed for crate::units::Percent {}
    impl Sealed for crate::units::Rate {}
    impl Sealed for super::Relative {}
}

impl LatencyBound for Duration {
    fn into_bound(self) -> Bound {
        Bound::Latency(self)
    }
}

impl LatencyBound for Relative {
    fn into_bound(self) -> Bound {
        Bound::Baseline(self)
    }
}

impl ShareBound for Percent {
    fn into_bound(self) -> Bound {
        Bound::Share(self)
    }
}

impl ShareBound for Relative {
    fn into_bound(self) -> Bound {
        Bound::Baseline(self)
    }
}

impl RateBound for Rate {
    fn into_bound(self) -> Bound {
        Bound::Rate(self)
    }
}

impl RateBound for Relative {
    fn into_bound(self) -> Bound {
        Bound::Baseline(self)
    }
}

/// A latency metric, to be compared with a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency(Metric);

impl Latency {
    /// Holds where the latency is less than `bound`.
    #[must_use]
    pub fn below(self, bound: impl LatencyBound) -> Threshold {
        Threshold { metric: self.0, comparison: Comparison::Below, bound: bound.into_bound() }
    }

    /// Holds where the latency is greater than `bound`: for `halt_if`.
    #[must_use]
    pub fn above(self, bound: impl LatencyBound) -> Threshold {
        Threshold { metric: self.0, comparison: Comparison::Above, bound: bound.into_bound() }
    }

    /// More nines: `p99.95` is `p99().point(95, 2)`, the digits after the point and how many there are.
    ///
    /// More than four digits are cut off, the precision of a [`Quantile`]; `max` has none to add.
    #[must_use]
    pub const fn point(self, digits: u32, places: u32) -> Self {
        let Metric::Latency(quantile) = self.0 else { return self };
        let mut ppm = digits;
        let mut place = places;
        while place < 4 {
            ppm = ppm.saturating_mul(10);
            place += 1;
        }
        while place > 4 {
            ppm /= 10;
            place -= 1;
        }
        Self(Metric::Latency(Quantile::new(Percent::from_ppm(quantile.share().ppm().saturating_add(ppm)))))
    }
}

/// The share of operations that fail, to be compared with a percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorRate(());

impl ErrorRate {
    /// Holds where fewer operations fail than `bound`.
    #[must_use]
    pub fn below(self, bound: impl ShareBound) -> Threshold {
        Threshold { metric: Metric::ErrorRate, comparison: Comparison::Below, bound: bound.into_bound() }
    }

    /// Holds where more operations fail than `bound`: for `halt_if`.
    #[must_use]
    pub fn above(self, bound: impl ShareBound) -> Threshold {
        Threshold { metric: Metric::ErrorRate, comparison: Comparison::Above, bound: bound.into_bound() }
    }
}

/// Successful operations a second, to be compared with a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throughput(());

impl Throughput {
    /// Holds where more operations succeed in time than `bound`.
    #[must_use]
    pub fn above(self, bound: impl RateBound) -> Threshold {
        Threshold { metric: Metric::Throughput, comparison: Comparison::Above, bound: bound.into_bound() }
    }

    /// Holds where fewer operations succeed in time than `bound`: for `halt_if`.
    #[must_use]
    pub fn below(self, bound: impl RateBound) -> Threshold {
        Threshold { metric: Metric::Throughput, comparison: Comparison::Below, bound: bound.into_bound() }
    }
}

const fn quantile(percent: u32) -> Latency {
    Latency(Metric::Latency(Quantile::new(Percent::new(percent))))
}

/// The median latency.
#[must_use]
pub const fn p50() -> Latency {
    quantile(50)
}

/// The latency that 90 % of operations stay within.
#[must_use]
pub const fn p90() -> Latency {
    quantile(90)
}

/// The latency that 95 % of operations stay within.
#[must_use]
pub const fn p95() -> Latency {
    quantile(95)
}

/// The latency that 99 % of operations stay within. `p99.9` is `p99().point(9, 1)`.
#[must_use]
pub const fn p99() -> Latency {
    quantile(99)
}

/// The longest latency: an observation, which no confidence can be stated for.
#[must_use]
pub const fn max() -> Latency {
    Latency(Metric::MaxLatency)
}

/// The share of operations that failed, timed out, or found the system overloaded.
#[must_use]
pub const fn error_rate() -> ErrorRate {
    ErrorRate(())
}

/// Operations a second that succeeded within their time-out: a floor.
#[must_use]
pub const fn throughput() -> Throughput {
    Throughput(())
}
