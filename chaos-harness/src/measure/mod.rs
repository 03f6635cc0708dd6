//! Measurement: thresholds, load, samples, statistics. Knows nothing of experiments.

pub mod metric;
mod threshold;

pub use metric::{Baseline, Relative};
pub use threshold::{Bound, Comparison, Metric, Quantile, Threshold};
