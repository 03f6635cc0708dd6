//! The ledger that a run reads, fetched where it is not here.

use super::CiError;
use super::arguments::LedgerOption;
use super::place::LedgerSource;
use crate::github::Github;
use crate::ledger::{Source, TemporaryFolder, fetch, straighten};
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
    /// Why it is not read as it is.
    pub(super) warning: Option<String>,
    /// What is read in its place, for as long as it is read.
    _copy: Option<TemporaryFolder>,
}

/// Finds it. One that cannot be fetched is an empty one: the smallest stages run.
pub(super) fn reading(option: &LedgerOption, profile: &str, github: &Github) -> Result<Reading, Failure> {
    let copy = TemporaryFolder::new().map_err(CiError::Copy)?;
    let source = match option.place.source(github.base()?) {
        LedgerSource::Here => return Ok(here(&settings(Some(profile), None)?.ledger_dir(), None, copy)),
        LedgerSource::Folder(folder) => {
            let folder = absolute(folder).map_err(CiError::Folder)?;
            return Ok(here(&folder, Some(folder.clone()), copy));
        }
        LedgerSource::Branch(branch) => Source::Branch { branch },
        LedgerSource::Base(base) => Source::Tree { base, path: path_in_repository(profile, github)? },
    };
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

/// One that is here, and is named where the settings do not say so. Someone may have written anything into it: what its events
/// do not say is not read.
fn here(ledger: &Path, named: Option<PathBuf>, copy: TemporaryFolder) -> Reading {
    let straight = copy.path().join("ledger");
    let (folder, warning) = match straighten(ledger, &straight) {
        Ok(mismatches) => match mismatches.as_slice() {
            [] => (named, None),
            [first, rest @ ..] => {
                let more =
                    if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
                let why = format!(
                    "{first}{more}: what its events say is gone by; `cargo chaos ledger verify` shows it"
                );
                (Some(straight), Some(why))
            }
        },
        Err(error) => {
            let why = format!("the ledger cannot be read, and the smallest stages run: {error}");
            (Some(copy.path().join("none")), Some(why))
        }
    };
    Reading { folder, note: None, warning, _copy: Some(copy) }
}

/// The folder of the ledger, from the root of the repository.
fn path_in_repository(profile: &str, github: &Github) -> Result<String, Failure> {
    let ledger = settings(Some(profile), None)?.ledger_dir();
    let found = ledger.ancestors().find(|folder| folder.join(".git").exists());
    let root = found.or(github.workspace.as_deref());
    let inside = root.and_then(|root| ledger.strip_prefix(root).ok()).map(Path::to_owned);
    Ok(inside.ok_or_else(|| CiError::OutsideOfRepository(ledger.clone()))?.display().to_string())
}
