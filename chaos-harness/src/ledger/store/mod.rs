//! The ledger as files in a folder: for each experiment its events, and the state that they come to.

mod append;
mod error;
mod files;
mod lock;
mod verify;
mod write;

pub use error::LedgerError;

use super::{Event, ExperimentId, State};
use append::Plan;
use files::Files;
use lock::Lock;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

/// A ledger: `<package>/<target>/<experiment>.json` is a state, and `….events.jsonl` beside it has the events that it comes of.
///
/// ```
/// use chaos_harness::ledger::Ledger;
///
/// // One that is not there is an empty one.
/// let ledger = Ledger::open("chaos/none-such");
/// assert!(ledger.state(&"shop::chaos::cart::slow_redis".parse()?)?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ledger {
    folder: PathBuf,
    durability: Durability,
}

/// Whether what is written must outlast a machine that goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Lasting,
    Scratch,
}

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

    /// The ledger in a folder. One that is not there is an empty ledger.
    #[must_use]
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), durability: Durability::Lasting }
    }

    /// The copy of a ledger in a folder that is thrown away before long: nobody waits for it to be on the disk.
    #[must_use]
    pub fn scratch(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), durability: Durability::Scratch }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files of an experiment, whether they are there or not: its state, and its events.
    #[must_use]
    pub fn files(&self, experiment: &ExperimentId) -> [PathBuf; 2] {
        let files = Files::of(&self.folder, experiment);
        [files.state(), files.events()]
    }

    /// Where an experiment stands; `None` where there is no record of it.
    pub fn state(&self, experiment: &ExperimentId) -> Result<Option<State>, LedgerError> {
        let state = Files::of(&self.folder, experiment).read_state()?;
        Ok(state.map(|state| state.value))
    }

    /// Where each experiment stands, in the order of their files; what cannot be read is told each by itself.
    pub fn states(&self) -> Result<Vec<Result<State, LedgerError>>, LedgerError> {
        let all = Files::all(&self.folder)?;
        let read = |files: &Files| files.read_state().map(|state| state.map(|state| state.value)).transpose();
        // Opening a file takes longer than reading it: several at a time where there are many.
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(8);
        let share = all.len().div_ceil(threads).max(500);
        let states = thread::scope(|scope| {
            let started: Vec<_> = all
                .chunks(share)
                .map(|share| scope.spawn(move || share.iter().filter_map(read).collect::<Vec<_>>()))
                .collect();
            started.into_iter().map(|thread| thread.join().unwrap_or_default()).collect::<Vec<_>>()
        });
        Ok(states.into_iter().flatten().collect())
    }

    /// What is known of an experiment, in the order in which it counts.
    pub fn events(&self, experiment: &ExperimentId) -> Result<Vec<Event>, LedgerError> {
        let events = Files::of(&self.folder, experiment).read_events()?;
        Ok(events.value.events().to_vec())
    }

    /// What is known of all experiments.
    pub fn all_events(&self) -> Result<Vec<Event>, LedgerError> {
        let mut events = Vec::new();
        for files in Files::all(&self.folder)? {
            events.extend(files.read_events()?.value.events().iter().cloned());
        }
        Ok(events)
    }

    /// Adds events, and brings the states of their experiments up to date. Events that are there already change nothing. Where
    /// anything that would be touched cannot be understood, or all of it cannot be written, the ledger stays as it was.
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
    pub fn preview(&self, events: Vec<Event>) -> Result<Changes, LedgerError> {
        Ok(Plan::new(&self.folder, events)?.changes)
    }

    /// The files that are not as the events say.
    pub fn verify(&self) -> Result<Vec<Mismatch>, LedgerError> {
        Ok(verify::compare(&self.folder)?.0)
    }

    /// Writes anew what is not as the events say, and returns what that was. What they do not say stays as it is.
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

#[cfg(test)]
mod tests;
