//! The folder of leases: what is in it is counted, settled and added to under one lock.

use super::account::{Answer, Held, Limits, Shortage};
use super::error::LeaseError;
use super::file::{self, Found, Terms};
use super::request::Request;
use crate::clock;
use crate::safety::private;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How the name of a lease ends. Whatever ends otherwise was never finished.
const LEASE: &str = "lease";

/// How the name of a file ends that is being written.
const UNFINISHED: &str = "new";

/// More leases than this are not read: there are no so many trials at once.
const MOST: usize = 10_000;

/// How long the lock on the folder is held at most, and how long a dying process may hold its own.
const MOMENT: Duration = Duration::from_millis(100);

/// Where the time that a run has used is booked, in the run's folder.
const BOOK: &str = "fault-time";

/// Tells the leases of one process apart.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Where leases are.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// The folder of all runs.
    runs: PathBuf,
    /// The folder of leases in it.
    path: PathBuf,
}

/// What came of one try.
#[derive(Debug)]
pub(super) enum Tried {
    Granted {
        path: PathBuf,
        file: File,
        time: Duration,
    },
    /// Someone else is counting.
    Busy,
    NotYet {
        shortage: Shortage,
        holders: Vec<String>,
    },
    Never(Shortage),
}

impl Folder {
    pub(super) fn new(runs: &Path) -> Self {
        Self { runs: runs.to_owned(), path: runs.join("leases") }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Takes a lease for `run` if there is room now.
    pub(super) fn try_take(
        &self,
        run: &str,
        limits: Limits,
        request: &Request,
        holder: &Path,
    ) -> Result<Tried, LeaseError> {
        let Some(_lock) = self.lock()? else { return Ok(Tried::Busy) };
        let time = if limits.are_set() {
            let held = self.settle()?;
            let booked = self.booked(run)?;
            match limits.answer(request, &count(&held, run), booked) {
                Answer::Granted { time } => time,
                Answer::Never(shortage) => return Ok(Tried::Never(shortage)),
                Answer::NotYet(shortage) => {
                    return Ok(Tried::NotYet {
                        shortage,
                        holders: held.iter().map(Terms::describe).collect(),
                    });
                }
            }
        } else {
            // Others may be under a limit: they must see this one. What they left is no matter for it.
            if let Err(error) = self.settle() {
                tracing::debug!(%error, "leases of others cannot be settled");
            }
            request.most.max(request.least)
        };
        let terms = Terms::new(run, request, time, clock::since_epoch(), holder);
        let (path, file) = self.add(&terms)?;
        Ok(Tried::Granted { path, file, time })
    }

    /// Books what has ended and removes it, and returns what is held.
    pub(super) fn tidy(&self) -> Result<Vec<Terms>, LeaseError> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        // Whoever has it may have looked at what has ended too early.
        let lock = clock::look_until_seen(MOMENT, || self.lock().transpose());
        let _lock =
            lock.unwrap_or_else(|| Err(LeaseError::Busy { path: self.lock_path(), waited: MOMENT }))?;
        self.settle()
    }

    /// The same, where processes have died: what only their last moments still hold is waited for.
    pub(super) fn tidy_after_the_dead(&self) -> Result<(), LeaseError> {
        let settled = clock::look_until_seen(MOMENT, || match self.tidy() {
            Ok(held) if !held.iter().all(Terms::has_its_process) => None,
            settled => Some(settled.map(drop)),
        });
        // Its guard is at it, or it is another container's process: it is held indeed.
        settled.unwrap_or(Ok(()))
    }

    /// The lock on the folder, unless someone else has it. It is only ever held for moments.
    fn lock(&self) -> Result<Option<Lock>, LeaseError> {
        private::create_dir_all(&self.path).map_err(at(&self.path))?;
        let path = self.lock_path();
        let file = private::append(&path).map_err(at(&path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(at(&path)(error.into())),
        }
    }

    /// Books and removes what has ended, and returns what is held. Under the lock.
    fn settle(&self) -> Result<Vec<Terms>, LeaseError> {
        let (mut held, mut failed) = (Vec::new(), None);
        for (count, entry) in fs::read_dir(&self.path).map_err(at(&self.path))?.enumerate() {
            let path = entry.map_err(at(&self.path))?.path();
            if count > MOST {
                return Err(LeaseError::TooMany { folder: self.path.clone(), most: MOST });
            }
            let settled = match path.extension().and_then(|extension| extension.to_str()) {
                Some(LEASE) => self.settle_one(&path),
                // Its writer had the lock that is ours now: it is gone.
                Some(UNFINISHED) => remove(&path).map(|()| None),
                _ => Ok(None),
            };
            match settled {
                Ok(terms) => held.extend(terms),
                // It must not keep the others. What is ours to put right is told before what is another user's.
                Err(error) if failed.is_none() || !private::is_of_others(&path) => failed = Some(error),
                Err(_) => {}
            }
        }
        failed.map_or(Ok(held), Err)
    }

    fn settle_one(&self, path: &Path) -> Result<Option<Terms>, LeaseError> {
        let failed = at(path);
        let lease = match file::open_to_lock(path) {
            // Deleted by hand.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(&failed)?,
        };
        let Found { terms, used } = file::read(&lease)
            .map_err(&failed)?
            .map_err(|why| LeaseError::Damaged { path: path.to_owned(), why })?;
        let used = match used {
            Some(used) => used,
            None if file::is_locked(&lease).map_err(&failed)? => return Ok(Some(terms)),
            None if terms.is_held().map_err(at(&terms.holder))? => return Ok(Some(terms)),
            None => terms.used_at_most(clock::since_epoch()),
        };
        // Booked first: after a crash in between it is booked twice, which allows less and not more.
        self.book(&terms.run, used)?;
        remove(path)?;
        Ok(None)
    }

    /// The time that is booked for a run.
    fn booked(&self, run: &str) -> Result<Duration, LeaseError> {
        let path = self.book_path(run);
        let mut text = String::new();
        match File::open(&path).and_then(|book| book.take(64).read_to_string(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Duration::ZERO),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
            Err(error) => return Err(at(&path)(error)),
        }
        let whole = text.strip_suffix(" us\n").and_then(|number| number.parse().ok());
        let booked = whole.map(Duration::from_micros);
        booked.ok_or_else(|| LeaseError::Damaged { path, why: "it is no time in microseconds".to_owned() })
    }

    fn book(&self, run: &str, used: Duration) -> Result<(), LeaseError> {
        let path = self.book_path(run);
        // A run whose folder was deleted has no more trials.
        if used.is_zero() || !path.parent().is_some_and(Path::is_dir) {
            return Ok(());
        }
        let booked = self.booked(run)?.saturating_add(used).as_nanos().div_ceil(1_000);
        let new = self.path.join(format!("{BOOK}.{UNFINISHED}"));
        let written = private::create(&new).and_then(|mut book| {
            writeln!(book, "{booked} us")?;
            fs::rename(&new, &path)
        });
        written.map_err(at(&path))
    }

    fn book_path(&self, run: &str) -> PathBuf {
        self.runs.join(run).join(BOOK)
    }

    /// A file has the name of a lease only once it is whole: a crash in the middle leaves nothing that counts.
    fn add(&self, terms: &Terms) -> Result<(PathBuf, File), LeaseError> {
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = self.path.join(format!("{}-{number}.{LEASE}", std::process::id()));
            // Another process may have the same number, in a container that shares the folder.
            if path.try_exists().map_err(at(&path))? {
                continue;
            }
            let new = path.with_extension(UNFINISHED);
            remove(&new)?;
            let file = file::create(&new, terms).map_err(at(&new))?;
            fs::rename(&new, &path).map_err(at(&path))?;
            return Ok((path, file));
        }
    }
}

/// Held while leases are counted.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that is just being started holds a copy of it until it calls exec.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

fn count<'a>(held: &'a [Terms], run: &str) -> Held<'a> {
    let same_run = held.iter().filter(|terms| terms.run == run);
    Held {
        faults: held.iter().map(|terms| terms.request.faults.len()).sum(),
        touched: held.iter().flat_map(|terms| &terms.request.touched).collect(),
        reserved: same_run.map(|terms| terms.reserved).sum(),
    }
}

fn remove(path: &Path) -> Result<(), LeaseError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> LeaseError {
    let path = path.to_owned();
    move |source| LeaseError::Io { path: path.clone(), source }
}
