//! Why a lease could not be had.

use super::account::Shortage;
use crate::units::show_duration;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A lease could not be had: nothing may be put into effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaseError {
    /// However long one waits.
    #[error("{0}")]
    Never(Shortage),
    /// Others had not ended in time.
    #[error("waited {} for others: {shortage}; held by {}", show_duration(*.waited), .holders.join(" and by "))]
    Waited {
        /// For how long.
        waited: Duration,
        /// What there was not enough of.
        shortage: Shortage,
        /// Who has it.
        holders: Vec<String>,
    },
    /// Others were counting all the time, or one of them stands still.
    #[error("{} was locked for {}: is a process that uses it stopped?", path.display(), show_duration(*.waited))]
    Busy {
        /// The lock.
        path: PathBuf,
        /// For how long.
        waited: Duration,
    },
    /// It may stand for anything.
    #[error(
        "{} cannot be read ({why}), and may stand for a fault that is in effect: make sure that none is, then delete it",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// More than there can be trials.
    #[error("{} has more than {most} leases: delete it once no trial runs", folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
        /// How many are read.
        most: usize,
    },
    /// The system refused.
    #[error("cannot use {}, where trials note what they have in effect: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}
