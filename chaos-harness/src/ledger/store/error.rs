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
    #[error(
        "{}:{line} is a conflict that git left: {}", path.display(),
        if *.is_state { "take either side, then `cargo chaos ledger verify --rebuild`" } else { "keep the lines of both sides" }
    )]
    Conflict {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Whether it is a state, which can be made anew.
        is_state: bool,
    },
    /// A newer release wrote it.
    #[error(
        "{}:{line} is of form {schema}, which a newer release of cargo-chaos writes: use that one, or a newer one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Its form.
        schema: u64,
    },
    /// It is not what it should be.
    #[error(
        "{}:{line} is damaged: {reason}; {}", path.display(),
        if *.is_state { "`cargo chaos ledger verify --rebuild` makes it anew" } else { "restore it from git's history" }
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
        /// Whether it is a state, which can be made anew.
        is_state: bool,
    },
    /// It is about another experiment than its name says.
    #[error("{}:{line} is about {found}, whose files are called otherwise: move it there", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What it is about.
        found: Box<ExperimentId>,
    },
    /// There are fewer events than the state comes of.
    #[error(
        "{} has {there} events, and its state comes of {expected}: restore it from git's history; where they are \
         meant to be gone, remove the state, and what they proved goes with it",
        path.display()
    )]
    EventsLost {
        /// The file of events.
        path: PathBuf,
        /// How many there are.
        there: u32,
        /// How many there were.
        expected: u32,
    },
    /// An event that could not be read again.
    #[error("an event of {experiment} cannot be recorded: {reason}")]
    Refused {
        /// The experiment.
        experiment: Box<ExperimentId>,
        /// What is wrong with it.
        reason: String,
    },
}
