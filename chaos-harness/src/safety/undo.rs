//! The undo log: the write-ahead list of what must be undone.
//!
//! An entry is durable before the thing it undoes is done. Whoever finds a log with open entries can put the world
//! right: the trial itself, the guard process when the trial is gone, or the next run when the machine was.

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What must be undone. Each is safe to do twice, and to something that is already gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UndoAction {
    /// Kill every process that carries this tag in its environment (`CHAOS_TRIAL`). Written before the first is started.
    KillTagged { trial: String },
    /// Kill this process and its group. The start time tells it from a later one of the same number.
    KillProcess { pid: u32, started: u64 },
    /// Let this process go on.
    ResumeProcess { pid: u32, started: u64 },
    /// Give this process its limit of address space back.
    RestoreAddressSpace { pid: u32, started: u64, soft: Option<u64>, hard: Option<u64> },
    /// Remove every container with the label `chaos.trial` of this value. Written before the first is created.
    RemoveContainers { trial: String },
    /// Let this container go on.
    UnpauseContainer { id: String },
    /// Give this container its CPU quota back.
    RestoreCpuQuota { id: String, quota: i64, period: i64 },
}

/// An entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct UndoId(u64);

#[derive(Debug, Serialize, Deserialize)]
enum Line {
    Do { id: UndoId, action: UndoAction },
    Done { id: UndoId },
}

/// The log of one trial. Clones write to the same file.
#[derive(Debug, Clone)]
pub(crate) struct UndoLog(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    file: File,
    next: u64,
}

impl UndoLog {
    /// An empty log in a new file.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create_new(true).append(true).open(path)?;
        Ok(Self(Arc::new(Mutex::new(Inner { file, next: 0 }))))
    }

    /// Writes down what must be undone. It is durable when this returns: only then may it be done.
    pub(crate) fn record(&self, action: UndoAction) -> io::Result<UndoId> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = UndoId(inner.next);
        inner.next += 1;
        inner.append(&Line::Do { id, action })?;
        inner.file.sync_data()?;
        Ok(id)
    }

    /// Writes down that it has been undone. Need not be durable: undoing twice is harmless.
    pub(crate) fn done(&self, id: UndoId) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).append(&Line::Done { id })
    }
}

impl Inner {
    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        // One write: a log is torn at a line's end at worst.
        self.file.write_all(&text)
    }
}
