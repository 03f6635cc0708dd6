//! How much of a system a fault may touch, and how that grows.

mod default_ladder;
mod ladder;
mod reach;
pub mod risk;
mod stage;
mod targets;

pub(crate) use default_ladder::{fitted, stages};
pub(crate) use ladder::{Aim, LadderError, Rung, Touch, resolve};
pub use reach::Reach;
pub(crate) use reach::{Extent, Unit};
pub use risk::Risk;
pub use stage::{Scope, Stage};
pub use targets::{NoTargets, Targets};
