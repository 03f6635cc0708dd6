//! Listing trials and running them.

mod config;
mod folder;
mod libtest;
mod lock;
mod names;
mod registry;
mod rerun;

pub use libtest::run_as_test;
pub use registry::Registration;
