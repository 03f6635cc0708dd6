//! What a threshold says, as plain data.

use super::metric::Relative;
use crate::units::{Percent, Rate, show_duration};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// A claim about the operations of one phase: `p99 < 500ms`, `error_rate < 1%`, `throughput > 180/s`.
///
/// Built by [`metric`](super::metric).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Threshold {
    /// What is looked at.
    pub metric: Metric,
    /// Which side of the bound it must be on.
    pub comparison: Comparison,
    /// The bound.
    pub bound: Bound,
}

/// What a threshold looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub enum Metric {
    /// The latency that this share of operations stays within.
    Latency(Quantile),
    /// The longest latency: an observation, which no confidence can be stated for.
    MaxLatency,
    /// The share of operations that failed, timed out, or found the system overloaded.
    ErrorRate,
    /// Operations a second that succeeded within their time-out.
    Throughput,
}

/// Which side of its bound a metric must be on. `<` and `<=` differ by nothing that can be measured: both are `Below`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub enum Comparison {
    /// The metric is less than its bound.
    Below,
    /// The metric is greater than its bound.
    Above,
}

/// What a metric is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub enum Bound {
    /// A latency.
    Latency(Duration),
    /// A share of operations.
    Share(Percent),
    /// Operations a second.
    Rate(Rate),
    /// A multiple of what the baseline measured for the same metric.
    Baseline(Relative),
}

/// A quantile, exact to 0.0001 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Quantile(Percent);

impl Quantile {
    /// The quantile below which this share of operations lies.
    #[must_use]
    pub const fn new(share: Percent) -> Self {
        Self(share)
    }

    /// The share of operations at or below it.
    #[must_use]
    pub const fn share(self) -> Percent {
        self.0
    }

    /// The share of operations that may lie above it.
    #[must_use]
    pub const fn tail(self) -> Percent {
        self.0.complement()
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0.fraction() * 100.0)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(quantile) => write!(f, "{quantile}"),
            Self::MaxLatency => f.write_str("max"),
            Self::ErrorRate => f.write_str("error_rate"),
            Self::Throughput => f.write_str("throughput"),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(latency) => f.write_str(&show_duration(*latency)),
            Self::Share(share) => write!(f, "{share}"),
            Self::Rate(rate) => write!(f, "{rate}"),
            Self::Baseline(relative) => write!(f, "{relative}"),
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.comparison {
            Comparison::Below => '<',
            Comparison::Above => '>',
        };
        write!(f, "{} {sign} {}", self.metric, self.bound)
    }
}
