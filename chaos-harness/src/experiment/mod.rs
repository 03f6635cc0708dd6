//! Experiments: what they say, how they are planned and run, and what is concluded.

mod definition;

pub(crate) use definition::Operation;
pub use definition::{Definition, Experiment, Location, Recover};
