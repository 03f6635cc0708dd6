//! Taking a lease: at once, or when others have ended, but not for ever.

use super::account::{Limits, Shortage};
use super::error::LeaseError;
use super::file;
use super::folder::{Folder, Tried};
use super::request::Request;
use crate::clock;
use crate::terminal::tell_at_once;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long to wait before saying so.
const SILENCE: Duration = Duration::from_secs(1);

/// How long to wait for others: longer than a few trials have their faults in effect.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks at whether there is room.
const POLL: Duration = Duration::from_millis(25);

/// The leases of one run.
#[derive(Debug, Clone)]
pub(crate) struct Leases {
    folder: Folder,
    run: String,
    limits: Limits,
    patience: Duration,
}

/// Leave to put faults into effect.
///
/// Dropped, it stays for as long as anyone has the lock on its holder: only [`Lease::end`] says that nothing is in
/// effect any more.
#[derive(Debug)]
#[must_use = "once nothing is in effect any more it is to be ended"]
pub(crate) struct Lease {
    file: File,
    path: PathBuf,
    folder: Folder,
    began: Instant,
    until: Option<Instant>,
}

impl Leases {
    /// The leases of the run of this name, in the folder of all runs.
    pub(crate) fn new(runs: &Path, run: &str, limits: Limits) -> Self {
        Self { folder: Folder::new(runs), run: run.to_owned(), limits, patience: PATIENCE }
    }

    #[cfg(test)]
    pub(super) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Waits until there is room for all of the request. `holder` is a file whose lock is held, by whatever process,
    /// for as long as anything of it may be in effect: the undo log. Dropping the future gives up.
    pub(crate) async fn acquire(&self, request: &Request, holder: &Path) -> Result<Lease, LeaseError> {
        let began = clock::now();
        let mut told = false;
        // For processes that work in other folders.
        let holder = &std::path::absolute(holder)
            .map_err(|source| LeaseError::Io { path: holder.to_owned(), source })?;
        loop {
            let waiting = match self.folder.try_take(&self.run, self.limits, request, holder)? {
                Tried::Granted { path, file, time } => {
                    let began = clock::now();
                    // Without a limit there is no end to it but that of the phase.
                    let until = self.limits.time.and_then(|_| began.checked_add(time));
                    return Ok(Lease { file, path, folder: self.folder.clone(), began, until });
                }
                Tried::Never(shortage) => return Err(LeaseError::Never(shortage)),
                Tried::NotYet { shortage, holders } => Some((shortage, holders)),
                Tried::Busy => None,
            };
            let waited = clock::now().saturating_duration_since(began);
            if waited >= self.patience {
                return Err(match waiting {
                    Some((shortage, holders)) => LeaseError::Waited { waited, shortage, holders },
                    None => LeaseError::Busy { path: self.folder.lock_path(), waited },
                });
            }
            if let Some((shortage, holders)) = waiting
                && waited >= SILENCE
                && !told
            {
                told = true;
                tell(&shortage, &holders);
            }
            clock::sleep(POLL).await;
        }
    }
}

impl Lease {
    /// When its time is up, where time is limited.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Nothing is in effect any more: what others wait for is free, and the time that was used is booked.
    pub(crate) fn end(self) -> Result<(), LeaseError> {
        let used = clock::now().saturating_duration_since(self.began);
        let Self { file, path, folder, .. } = self;
        file::end(&file, used).map_err(|source| LeaseError::Io { path, source })?;
        drop(file);
        // It is over. What others left there is not this trial's fault.
        if let Err(error) = folder.tidy() {
            tracing::debug!(%error, "leases of others cannot be settled");
        }
        Ok(())
    }
}

/// Where the leases are, in the folder of all runs.
pub(in crate::safety) fn folder(runs: &Path) -> PathBuf {
    Folder::new(runs).path().to_owned()
}

/// Books what is over in the folder of all runs, and removes it.
pub(in crate::safety) fn tidy(runs: &Path) -> Result<(), LeaseError> {
    Folder::new(runs).tidy().map(drop)
}

/// The same, once the processes that had it are dead.
pub(in crate::safety) fn tidy_after_the_dead(runs: &Path) -> Result<(), LeaseError> {
    Folder::new(runs).tidy_after_the_dead()
}

fn tell(shortage: &Shortage, holders: &[String]) {
    let holders = holders.join(" and by ");
    tracing::info!("waiting with the faults: {shortage}; held by {holders}");
    tell_at_once(format_args!("chaos: waiting with the faults: {shortage}; held by {holders}"));
}
