//! Writing events: to a folder here, or to a repository.

use super::arguments::{Destination, LedgerFolder};
use super::git::{self, GitError, Needed, Place};
use chaos_harness::ledger::{Changes, Event, Ledger, LedgerError};
use chaos_harness::settings::{Settings, SettingsError};
use serde::Serialize;
use std::io;
use std::path::PathBuf;

/// Why the ledger could not be found, or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DestinationError {
    #[error("the current folder is not there")]
    Nowhere(#[source] io::Error),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl DestinationError {
    /// Whether the command line asks for what there cannot be.
    pub(super) fn is_usage(&self) -> bool {
        matches!(self, Self::Git(error) if error.is_usage())
    }
}

/// What came of writing events.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    pub(super) changes: Changes,
    pub(super) to: To,
}

/// Where they went.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum To {
    Folder(PathBuf),
    Pushed {
        branch: String,
        /// None where nothing was to be pushed.
        commit: Option<String>,
        tries: u32,
    },
}

/// The ledger that a command is about.
pub(super) fn open(folder: &LedgerFolder) -> Result<Ledger, DestinationError> {
    if let Some(folder) = &folder.folder {
        return Ok(Ledger::open(folder));
    }
    let here = std::env::current_dir().map_err(DestinationError::Nowhere)?;
    Ok(Ledger::open(Settings::load(&here, std::env::vars_os())?.ledger_dir()))
}

impl Destination {
    /// Writes events that are made of what is there; with `dry_run`, only tells what would come of it.
    pub(super) fn write<E: From<DestinationError>>(
        &self,
        needed: &Needed,
        dry_run: bool,
        mut events: impl FnMut(&Ledger) -> Result<Vec<Event>, E>,
    ) -> Result<Written, E> {
        let Some(place) = self.place() else {
            let ledger = open(&self.ledger)?;
            let events = events(&ledger)?;
            let changes = if dry_run { ledger.preview(events) } else { ledger.append(events) };
            let changes = changes.map_err(DestinationError::from)?;
            return Ok(Written { changes, to: To::Folder(ledger.folder().to_owned()) });
        };
        let (remote, token_env) = (&self.remote.remote, self.remote.token_env.as_deref());
        let pushed = git::push(remote, token_env, &place, needed, dry_run, |ledger| {
            events(ledger).map_err(PushError::Events)
        });
        match pushed {
            Ok(pushed) => {
                let git::Pushed { changes, branch, commit, tries } = pushed;
                Ok(Written { changes, to: To::Pushed { branch, commit, tries } })
            }
            Err(PushError::Git(error)) => Err(DestinationError::from(error).into()),
            Err(PushError::Events(error)) => Err(error),
        }
    }

    fn place(&self) -> Option<Place> {
        let branch = self.push.clone()?;
        Some(match &self.base {
            Some(base) => Place::Tree { base: base.clone(), path: self.path.clone(), branch },
            None => Place::Branch { branch },
        })
    }
}

/// What ends a push: git, or who makes the events.
enum PushError<E> {
    Git(GitError),
    Events(E),
}

impl<E> From<GitError> for PushError<E> {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}
