//! Why a ledger is not read, or not written.

use crate::ledger::ExperimentId;
use std::io;
use std::path::PathBuf;

/// Why a ledger is not read, or not written: then nothing of it was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("{} cannot be written: the ledger is as it was", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Git left a conflict in it.
    #[error("{}:{line} is a conflict that git left", path.display())]
    Conflict {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A newer release wrote it.
    #[error("{}:{line} is of form {schema}, which a newer release writes: update cargo-chaos", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Its form.
        schema: u64,
    },
    /// It is not what it should be.
    #[error("{}:{line} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// It is about another experiment than its name says.
    #[error("{}:{line} is about {found}, and not about {expected}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What it is about.
        found: Box<ExperimentId>,
        /// What it should be about.
        expected: Box<ExperimentId>,
    },
    /// There are fewer events than the state comes of.
    #[error("{} has {there} events, and its state comes of {expected}: some were lost", path.display())]
    EventsLost {
        /// The file of events.
        path: PathBuf,
        /// How many there are.
        there: u32,
        /// How many there were.
        expected: u32,
    },
}
