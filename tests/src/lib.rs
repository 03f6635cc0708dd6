//! What the end-to-end tests share: a small system to experiment on, and the running of test programs.

#[cfg(feature = "cli")]
pub mod cargo_chaos;
pub mod descriptors;
pub mod echo;
pub mod git;
pub mod program;
#[cfg(feature = "cli")]
pub mod scratch;
pub mod service;
pub mod toxiproxy;
pub mod trial;
pub mod wait;
