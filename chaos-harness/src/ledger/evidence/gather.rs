//! Reading evidence that machines elsewhere wrote.

use super::Evidence;
use std::path::{Path, PathBuf};

/// The evidence below a folder.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What was read, and where.
    pub evidence: Vec<(PathBuf, Evidence)>,
    /// What could not be.
    pub problems: Vec<EvidenceError>,
}

/// A file that cannot be taken for evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct EvidenceError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

pub(super) fn gather(_folder: &Path) -> Gathered {
    Gathered::default()
}
