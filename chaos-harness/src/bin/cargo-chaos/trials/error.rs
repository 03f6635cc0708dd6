//! What keeps trials from running.

use super::listing::ListError;
use crate::cargo::{BuildError, TargetsError, WorkspaceError};
use chaos_harness::settings::SettingsError;
use std::io;
use std::process::ExitStatus;

/// Why no trial ran.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialsError {
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error("the current folder is not known")]
    Folder(#[source] io::Error),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Targets(#[from] TargetsError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    List(#[from] ListError),
    #[error("cannot run {runner}")]
    Runner { runner: &'static str, source: io::Error },
    #[error("{runner} ended with {status}: it says above why")]
    RunnerFailed { runner: &'static str, status: ExitStatus },
    #[error("nothing ran: no trial {0}; `cargo chaos list` shows them all, and why each is left out")]
    NothingRan(String),
    #[error("a trial failed and left no evidence: {0} says above why")]
    NoEvidence(&'static str),
}

impl TrialsError {
    /// Whether it is a matter of what was written, here or in chaos.toml.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Settings(_) | Self::Targets(_))
    }
}
