//! Listing trials and running them.

mod command_line;
mod evidence;
mod folder;
mod libtest;
mod listed;
mod listing;
mod lock;
mod main;
mod names;
mod provenance;
mod record;
mod registry;
mod rerun;
mod selection;
mod session;

pub use libtest::run_as_test;
pub use listed::{ListedProof, ListedReach, ListedStage, ListedTrial};
pub use main::Harness;
pub use registry::Registration;
