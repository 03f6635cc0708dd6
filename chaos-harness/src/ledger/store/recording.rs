//! The events of a ledger: read, added, and held against the states.

use super::append::Plan;
use super::files::Files;
use super::lock::Lock;
use super::{Durability, Ledger, LedgerError, verify, write};
use crate::ledger::{Event, ExperimentId, State};
use serde::Serialize;
use std::path::PathBuf;

/// What came of appending events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// The experiments that have new events, or a state that had not been what its events said.
    pub changed: Vec<Change>,
    /// How many of the events were there already.
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

/// A file that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct Mismatch {
    /// The file.
    pub path: PathBuf,
    /// How it is otherwise.
    pub reason: String,
    /// Whether the events say how it should be.
    pub can_be_rebuilt: bool,
}

impl Ledger {
    /// The files that a ledger has beside those of its experiments.
    pub const ABOUT: [&str; 2] = [".gitattributes", "README.md"];

    /// The copy of a ledger in a folder that is thrown away before long: nobody waits for it to be on the disk.
    ///
    /// With the feature `records`.
    #[must_use]
    pub fn scratch(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), durability: Durability::Scratch }
    }

    /// The files of an experiment, whether they are there or not: its state, and its events.
    ///
    /// With the feature `records`.
    #[must_use]
    pub fn files(&self, experiment: &ExperimentId) -> [PathBuf; 2] {
        let files = Files::of(&self.folder, experiment);
        [files.state(), files.events()]
    }

    /// What is known of an experiment, in the order in which it counts.
    ///
    /// With the feature `records`.
    pub fn events(&self, experiment: &ExperimentId) -> Result<Vec<Event>, LedgerError> {
        let events = Files::of(&self.folder, experiment).read_events()?;
        Ok(events.value.events().to_vec())
    }

    /// What is known of all experiments.
    ///
    /// With the feature `records`.
    pub fn all_events(&self) -> Result<Vec<Event>, LedgerError> {
        let mut events = Vec::new();
        for files in Files::all(&self.folder)? {
            events.extend(files.read_events()?.value.events().iter().cloned());
        }
        Ok(events)
    }

    /// Adds events, and brings the states of their experiments up to date. Events that are there already change nothing. Where
    /// anything that would be touched cannot be understood, or all of it cannot be written, the ledger stays as it was.
    ///
    /// With the feature `records`.
    pub fn append(&self, events: Vec<Event>) -> Result<Changes, LedgerError> {
        if events.is_empty() {
            return Ok(Changes::default());
        }
        if !self.folder.exists() {
            // What is refused leaves not even a folder.
            Plan::new(&self.folder, events.clone())?;
        }
        let _lock = Lock::acquire(&self.folder)?;
        Plan::new(&self.folder, events)?.carry_out(&self.folder, self.durability)
    }

    /// What [`Ledger::append`] would do.
    ///
    /// With the feature `records`.
    pub fn preview(&self, events: Vec<Event>) -> Result<Changes, LedgerError> {
        Ok(Plan::new(&self.folder, events)?.changes)
    }

    /// The files that are not as the events say.
    ///
    /// With the feature `records`.
    pub fn verify(&self) -> Result<Vec<Mismatch>, LedgerError> {
        Ok(verify::compare(&self.folder)?.0)
    }

    /// Writes anew what is not as the events say, and returns what that was. What they do not say stays as it is.
    ///
    /// With the feature `records`.
    pub fn rebuild(&self) -> Result<Vec<Mismatch>, LedgerError> {
        if verify::compare(&self.folder)?.1.is_empty() {
            return self.verify();
        }
        let _lock = Lock::acquire(&self.folder)?;
        let (mismatches, writings) = verify::compare(&self.folder)?;
        write::write_all(&self.folder, writings, self.durability)?;
        Ok(mismatches)
    }
}
