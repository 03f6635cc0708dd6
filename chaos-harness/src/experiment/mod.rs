//! Experiments: what they say, how they are planned and run, and what is concluded.

mod definition;
mod fingerprint;
#[cfg(fuzzing)]
mod fuzzing;
mod outline;
mod plan;
pub(crate) mod reached;
mod run;
#[cfg(feature = "records")]
mod stored;
mod undo;
mod verdict;

pub use definition::{Definition, Experiment, Location, Recover};
pub(crate) use fingerprint::fingerprint;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use fuzzing::plan as fuzz_plan;
pub(crate) use outline::outline;
pub use plan::{Injection, Plan, PlannedStage};
pub use reached::{Reached, ReachedKind, ReachedOperations};
pub(crate) use run::{Setup, refuse, run};
#[cfg(feature = "records")]
pub use stored::StoredError;
pub use undo::{NotUndone, Then, UndoResult};
pub use verdict::{
    Blame, Conclusion, Effect, Facts, Halt, Judged, Obstacle, Panicked, Phase, Recovery, Verdict,
};
