//! The ledger as files in a folder: for each experiment its events, and the state that they come to.

mod error;

pub use error::LedgerError;

use super::{Event, ExperimentId, State};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A ledger: `<package>/<target>/<experiment>.json` is a state, and `….events.jsonl` beside it has the events that it comes of.
#[derive(Debug, Clone)]
pub struct Ledger {
    folder: PathBuf,
}

/// What came of appending events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// The experiments that have new events.
    pub changed: Vec<Change>,
    /// How many events were there already.
    pub known: usize,
}

/// What became of one experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The state before, where it had one.
    pub before: Option<State>,
    /// The state after.
    pub after: State,
    /// How many events were added.
    pub added: usize,
}

/// A file that is not as the events say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct Mismatch {
    /// The file.
    pub path: PathBuf,
    /// How it is otherwise.
    pub reason: String,
}

impl Ledger {
    /// The ledger in a folder. One that is not there is an empty ledger.
    #[must_use]
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where an experiment stands; `None` where there is no record of it.
    pub fn state(&self, _experiment: &ExperimentId) -> Result<Option<State>, LedgerError> {
        Ok(None)
    }

    /// Where each experiment stands, in the order of their names; what cannot be read is told each by itself.
    pub fn states(&self) -> Result<Vec<Result<State, LedgerError>>, LedgerError> {
        Ok(Vec::new())
    }

    /// What is known of an experiment, in the order in which it counts.
    pub fn events(&self, _experiment: &ExperimentId) -> Result<Vec<Event>, LedgerError> {
        Ok(Vec::new())
    }

    /// Adds events, and brings the states up to date. Events that are there already change nothing. Where anything that would
    /// be touched cannot be understood, nothing is written.
    pub fn append(&self, _events: Vec<Event>) -> Result<Changes, LedgerError> {
        Ok(Changes::default())
    }

    /// What [`Ledger::append`] would do.
    pub fn preview(&self, _events: Vec<Event>) -> Result<Changes, LedgerError> {
        Ok(Changes::default())
    }

    /// The files that are not as the events say.
    pub fn verify(&self) -> Result<Vec<Mismatch>, LedgerError> {
        Ok(Vec::new())
    }

    /// Writes anew what is not as the events say; returns what it was.
    pub fn rebuild(&self) -> Result<Vec<Mismatch>, LedgerError> {
        Ok(Vec::new())
    }
}
