//! Measurement: thresholds, load, samples, statistics. Knows nothing of experiments.

mod beta;
mod claim;
mod evaluate;
mod generator;
mod load;
pub mod metric;
mod operation;
mod panics;
mod phase;
mod proportion;
mod recovery;
pub(crate) mod sample;
mod summary;
mod threshold;

pub(crate) use claim::Claim;
pub use claim::{Event, Measured};
pub use evaluate::{Evaluated, Evidence, Inference, NoHalt, Undecidable};
pub(crate) use evaluate::{check_decidable, check_halt, evaluate};
pub(crate) use generator::{Generator, GeneratorError, Observer};
pub use load::{Load, LoadProblem};
pub use metric::{Baseline, Relative};
pub(crate) use operation::Operation;
pub(crate) use panics::{catch as catch_panic, hide as hide_in_panics, panic_message};
pub(crate) use phase::{PhaseEnd, PhaseSamples};
pub use proportion::Decision;
pub(crate) use recovery::{Recovery, window as recovery_window};
pub(crate) use sample::Sample;
pub use sample::{ErrorCount, ErrorTable};
pub use summary::{Latencies, Summary};
pub use threshold::{Bound, Comparison, Metric, Quantile, Threshold};
