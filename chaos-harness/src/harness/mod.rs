//! Listing trials and running them.

mod config;
mod folder;
mod lock;
mod names;
mod registry;
mod rerun;

pub use registry::Registration;
