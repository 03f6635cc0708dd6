//! How much of a system a fault may touch, and how that grows.

mod ladder;
mod reach;
mod risk;
mod stage;
mod targets;

pub(crate) use ladder::{LadderError, Rung, fitted, resolve, stages};
pub use reach::Reach;
pub(crate) use reach::{Extent, Unit};
pub use risk::Risk;
pub use stage::{Scope, Stage};
pub use targets::{NoTargets, Targets};
