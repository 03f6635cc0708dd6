//! Where the results of runs are.

use serde_json::Value;
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of results could not be found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("cannot ask cargo where its target folder is: give it with --target-dir")]
    Cargo(#[source] io::Error),
    #[error(
        "cargo does not say where its target folder is; run this in a workspace, or give --target-dir: {0}"
    )]
    NoWorkspace(String),
}

/// The folder of all runs: below the target folder that is given, or below cargo's.
pub(crate) fn runs_folder(target_dir: Option<&Path>) -> Result<PathBuf, FolderError> {
    let target = match target_dir {
        Some(target_dir) => target_dir.to_owned(),
        None => of_cargo()?,
    };
    Ok(target.join("chaos"))
}

/// Cargo's own, by its configuration, environment and workspace.
fn of_cargo() -> Result<PathBuf, FolderError> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).stdin(Stdio::null());
    let output = command.output().map_err(FolderError::Cargo)?;
    let metadata = serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default();
    match metadata["target_directory"].as_str() {
        Some(target) => Ok(target.into()),
        None => Err(FolderError::NoWorkspace(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}
