//! One recorder at a time.

use super::LedgerError;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The ledger is this recorder's until this is dropped.
#[must_use = "dropping it lets another recorder write"]
pub(super) struct Lock(File);

impl Lock {
    /// Waits until no other recorder of this machine writes to the ledger. The folder itself is locked, so that no file is
    /// left that someone would commit.
    pub(super) fn acquire(folder: &Path) -> Result<Self, LedgerError> {
        Self::try_acquire(folder).map_err(|source| LedgerError::Write { path: folder.to_owned(), source })
    }

    fn try_acquire(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let file = File::open(folder)?;
        while let Err(error) = flock(&file, FlockOperation::LockExclusive) {
            if error != rustix::io::Errno::INTR {
                return Err(error.into());
            }
        }
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it is not enough: a child that is just being started holds a copy until it calls exec.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}
