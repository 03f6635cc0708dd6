//! How much of a system a fault may touch, and how that grows.

mod ladder;
mod reach;
mod stage;

pub use ladder::LadderError;
pub(crate) use ladder::{Rung, default_stages, resolve};
pub(crate) use reach::Unit;
pub use reach::{Extent, Reach, ScopeError};
pub use stage::{Scope, Stage};
