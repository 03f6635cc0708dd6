//! Measurement: thresholds, load, samples, statistics. Knows nothing of experiments.

mod claim;
mod evaluate;
mod load;
pub mod metric;
mod proportion;
mod sample;
mod summary;
mod threshold;

pub use claim::{Event, Measured};
pub use evaluate::{Evaluated, Evidence, Inference, Undecidable};
pub use load::{Load, LoadProblem};
pub use metric::{Baseline, Relative};
pub use proportion::Decision;
pub use sample::{ErrorCount, ErrorTable};
pub use summary::{Latencies, Summary};
pub use threshold::{Bound, Comparison, Metric, Quantile, Threshold};
