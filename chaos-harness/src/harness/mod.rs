//! Listing trials and running them.

mod libtest;
mod registry;

pub use libtest::run_as_test;
pub use registry::Registration;
