//! Experiments: what they say, how they are planned and run, and what is concluded.

mod definition;
mod outline;
mod plan;
mod run;
mod verdict;

pub use definition::{Definition, Experiment, Location, Recover};
pub(crate) use outline::outline;
pub use plan::{Injection, Plan, PlannedStage};
pub(crate) use run::{Setup, run};
pub use verdict::{
    Blame, Conclusion, Effect, Facts, Halt, Judged, Obstacle, Panicked, Phase, Recovery, Verdict,
};
