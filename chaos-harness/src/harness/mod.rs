//! Listing trials and running them.

mod registry;

pub use registry::Registration;
