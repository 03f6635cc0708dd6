//! How much of a system a fault may touch, and how that grows.

mod stage;

pub use stage::{Scope, Stage};
