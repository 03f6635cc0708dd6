//! Listing trials and running them.

mod command_line;
mod folder;
mod libtest;
mod listing;
mod lock;
mod main;
mod names;
mod provenance;
mod registry;
mod rerun;
mod session;

pub use libtest::run_as_test;
pub use main::Harness;
pub use registry::Registration;
