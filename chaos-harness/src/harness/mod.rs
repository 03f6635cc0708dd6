//! Listing trials and running them.

mod command_line;
mod config;
mod folder;
#[cfg(fuzzing)]
mod fuzzing;
mod libtest;
mod listing;
mod lock;
mod main;
mod names;
mod registry;
mod rerun;
mod session;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use fuzzing::environment as fuzz_environment;
pub use libtest::run_as_test;
pub use main::Harness;
pub use registry::Registration;
