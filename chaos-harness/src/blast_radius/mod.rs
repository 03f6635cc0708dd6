//! How much of a system a fault may touch, and how that grows.

mod ladder;
mod reach;
mod stage;
mod targets;

pub(crate) use ladder::{LadderError, Rung, default_stages, resolve};
pub use reach::Reach;
pub(crate) use reach::{Extent, Unit};
pub use stage::{Scope, Stage};
pub use targets::{NoTargets, Targets};
