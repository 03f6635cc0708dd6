//! Cargo, nextest, and what they say of the workspace.

pub(crate) mod build;
mod nextest;
mod test_programs;
mod workspace;

pub(crate) use build::{BuildError, TestProgram};
pub(crate) use nextest::Nextest;
pub(crate) use test_programs::{Targets, TargetsError};
pub(crate) use workspace::{Package, Workspace, WorkspaceError};

use std::process::Command;

/// The cargo that called this, or that of the PATH.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
