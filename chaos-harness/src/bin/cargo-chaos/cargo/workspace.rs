//! What cargo says of the workspace.

use super::cargo;
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Cargo does not say what the workspace is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkspaceError {
    #[error("cannot run cargo")]
    Cargo(#[source] io::Error),
    #[error("no workspace of cargo's is here: {0}")]
    None(String),
    #[error("cargo describes the workspace in a way that is not known")]
    Unknown(#[source] serde_json::Error),
}

/// The workspace that a folder is in.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    pub(crate) target_directory: PathBuf,
    /// Its members, with `--no-deps`.
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) targets: Vec<Target>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

impl Workspace {
    /// That of the current folder.
    pub(crate) fn current() -> Result<Self, WorkspaceError> {
        let mut command = cargo();
        command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).stdin(Stdio::null());
        let output = command.output().map_err(WorkspaceError::Cargo)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(WorkspaceError::None(said.trim().trim_start_matches("error: ").to_owned()));
        }
        serde_json::from_slice(&output.stdout).map_err(WorkspaceError::Unknown)
    }

    /// The folder of all runs.
    pub(crate) fn runs(&self) -> PathBuf {
        let chosen = std::env::var_os("CHAOS_TARGET_DIR").filter(|path| !path.is_empty()).map(PathBuf::from);
        let target = chosen.unwrap_or_else(|| self.target_directory.clone());
        // Relative to here, for the trials run elsewhere.
        std::path::absolute(&target).unwrap_or(target).join("chaos")
    }

    /// The package whose folder a folder is in.
    pub(crate) fn package_at(&self, folder: &Path) -> Option<&Package> {
        let around =
            self.packages.iter().filter(|package| package.folder().is_some_and(|at| folder.starts_with(at)));
        around.max_by_key(|package| package.manifest_path.components().count())
    }
}

impl Package {
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.manifest_path.parent()
    }

    /// Its integration tests.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "test"))
    }
}
