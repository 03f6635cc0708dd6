//! The embedded fault-injecting proxy. Knows nothing of experiments.

mod toxic;

pub use toxic::{Stream, Toxic};
