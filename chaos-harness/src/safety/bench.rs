//! What `cargo bench --bench crash` measures of the undo log, which nobody outside sees otherwise.

use super::safeguard;
use super::undo::{UndoAction, UndoLog};
use std::io;
use std::path::Path;

/// The undo log of this process.
#[derive(Debug)]
pub struct Log(UndoLog);

impl Log {
    /// The log for a run, whose folder is there, under the folder of all runs.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn open(runs: &Path, run: &Path) -> io::Result<Self> {
        safeguard::undo_log(runs, run).map(Self).map_err(io::Error::other)
    }

    /// Makes an entry of the usual size durable: one that undoes nothing. The first one starts the guard.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn record(&self) -> io::Result<()> {
        // No process has this number and was started then.
        self.0.record(UndoAction::ResumeProcess { pid: i32::MAX.unsigned_abs(), started: 1 }).map(drop)
    }

    /// Takes all entries back.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn close(&self) -> io::Result<()> {
        self.0.open().into_iter().try_for_each(|(id, _)| self.0.done(id))
    }
}
