//! Where the results of runs are.

use crate::cargo::{Workspace, WorkspaceError};
use std::path::{Path, PathBuf};

/// The folder of results could not be found.
#[derive(Debug, thiserror::Error)]
#[error("cargo does not say where its target folder is; run this in a workspace, or give --target-dir")]
pub(crate) struct FolderError(#[source] WorkspaceError);

/// The folder of all runs: below the target folder that is given, or below cargo's.
pub(crate) fn runs_folder(target_dir: Option<&Path>) -> Result<PathBuf, FolderError> {
    let target = match target_dir {
        Some(target_dir) => target_dir.to_owned(),
        None => Workspace::current().map_err(FolderError)?.target_directory,
    };
    Ok(target.join("chaos"))
}
