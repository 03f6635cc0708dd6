//! Measurement: thresholds, load, samples, statistics. Knows nothing of experiments.

mod load;
pub mod metric;
mod threshold;

pub use load::Load;
pub use metric::{Baseline, Relative};
pub use threshold::{Bound, Comparison, Metric, Quantile, Threshold};
