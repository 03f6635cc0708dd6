//! How much of a system a fault may touch, and how that grows.

mod ladder;
mod reach;
mod stage;

pub(crate) use ladder::{LadderError, Rung, default_stages, resolve};
pub use reach::Reach;
pub(crate) use reach::Unit;
pub use stage::{Scope, Stage};
