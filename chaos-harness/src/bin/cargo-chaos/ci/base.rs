//! The ledger that a run reads, fetched where it is not here.

use super::CiError;
use super::arguments::LedgerOption;
use super::place::LedgerSource;
use crate::github::Github;
use crate::ledger::{Source, TemporaryFolder, fetch};
use crate::outcome::Failure;
use crate::trials::settings;
use std::error::Error as _;
use std::path::{Path, PathBuf, absolute};

/// The ledger that a run reads.
#[derive(Debug)]
pub(super) struct Reading {
    /// None is where the settings say.
    pub(super) folder: Option<PathBuf>,
    /// That there is none as yet.
    pub(super) note: Option<String>,
    /// Why it could not be had.
    pub(super) warning: Option<String>,
    /// What it was fetched into, for as long as it is read.
    _copy: Option<TemporaryFolder>,
}

/// Finds it. One that cannot be fetched is an empty one: the smallest stages run.
pub(super) fn reading(option: &LedgerOption, profile: &str, github: &Github) -> Result<Reading, Failure> {
    let here = |folder| Reading { folder, note: None, warning: None, _copy: None };
    let source = match option.place.source(github.base()?) {
        LedgerSource::Here => return Ok(here(None)),
        LedgerSource::Folder(folder) => return Ok(here(Some(absolute(folder).map_err(CiError::Folder)?))),
        LedgerSource::Branch(branch) => Source::Branch { branch },
        LedgerSource::Base(base) => Source::Tree { base, path: path_in_repository(profile, github)? },
    };
    let copy = TemporaryFolder::new().map_err(CiError::Copy)?;
    let folder = copy.path().join("ledger");
    let (note, warning) = match fetch(&option.remote, &source, &folder) {
        Ok(nothing) => (nothing, None),
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            (None, Some(format!("the ledger cannot be fetched, and the smallest stages run: {error}{cause}")))
        }
    };
    Ok(Reading { folder: Some(folder), note, warning, _copy: Some(copy) })
}

/// The folder of the ledger, from the root of the repository.
fn path_in_repository(profile: &str, github: &Github) -> Result<String, Failure> {
    let ledger = settings(Some(profile), None)?.ledger_dir();
    let found = ledger.ancestors().find(|folder| folder.join(".git").exists());
    let root = found.or(github.workspace.as_deref());
    let inside = root.and_then(|root| ledger.strip_prefix(root).ok()).map(Path::to_owned);
    Ok(inside.ok_or_else(|| CiError::OutsideOfRepository(ledger.clone()))?.display().to_string())
}
