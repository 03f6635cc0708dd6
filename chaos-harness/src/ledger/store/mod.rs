//! The ledger as files in a folder: for each experiment its events, and the state that they come to.

#[cfg(feature = "records")]
mod append;
mod error;
#[cfg(feature = "records")]
mod events;
mod files;
#[cfg(feature = "records")]
mod lock;
#[cfg(feature = "records")]
mod recording;
#[cfg(feature = "records")]
mod verify;
#[cfg(feature = "records")]
mod write;

pub use error::LedgerError;
#[cfg(feature = "records")]
pub use recording::{Change, Changes, Mismatch};

use super::{ExperimentId, State};
use files::Files;
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
    #[cfg_attr(not(feature = "records"), expect(dead_code, reason = "nothing is written"))]
    durability: Durability,
}

/// Whether what is written must outlast a machine that goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Lasting,
    #[cfg(feature = "records")]
    Scratch,
}

impl Ledger {
    /// The ledger in a folder. One that is not there is an empty ledger.
    #[must_use]
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), durability: Durability::Lasting }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
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
}

#[cfg(test)]
mod tests;
