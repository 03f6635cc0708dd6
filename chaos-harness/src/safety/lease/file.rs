//! One lease on disk: a line that says what it stands for, and one more once it has ended.

use super::request::Request;
use crate::safety::private;
use crate::safety::process::process_start_time;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// No lease is longer: what is, is none.
const LONGEST: u64 = 1 << 20;

/// The version of the form.
const SCHEMA: u32 = 1;

/// The longest time that is believed. A longer one could not be added to others.
const LONGEST_TIME: Duration = Duration::from_secs(u32::MAX as u64);

/// What a lease stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    schema: u32,
    /// The run whose time it takes.
    pub(super) run: String,
    /// The process that took it, for messages.
    pub(super) pid: u32,
    /// What was asked for.
    pub(super) request: Request,
    /// How much of the run's time it has reserved.
    pub(super) reserved: Duration,
    /// When it was granted, since the Unix epoch.
    pub(super) began: Duration,
    /// While anyone has the lock on this file, it is held.
    pub(super) holder: PathBuf,
}

/// The line that ends a lease.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended {
    used: Duration,
}

/// A lease as it was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) terms: Terms,
    /// How long it was in effect, where its own process ended it.
    pub(super) used: Option<Duration>,
}

impl Terms {
    pub(super) fn new(
        run: &str,
        request: &Request,
        reserved: Duration,
        began: Duration,
        holder: &Path,
    ) -> Self {
        let (run, holder) = (run.to_owned(), holder.to_owned());
        Self {
            schema: SCHEMA,
            run,
            pid: std::process::id(),
            request: request.clone(),
            reserved,
            began,
            holder,
        }
    }

    /// Whether a process of this number is there, as far as can be told from here.
    pub(super) fn has_its_process(&self) -> bool {
        process_start_time(self.pid).is_some()
    }

    /// Whether anyone has the lock on the holder.
    pub(super) fn is_held(&self) -> io::Result<bool> {
        match open_to_lock(&self.holder) {
            Ok(file) => is_locked(&file),
            // It was deleted with the folder of its run: nobody can be asked any more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What was used by one that nobody ended: not known, so that it is the most it can be.
    pub(super) fn used_at_most(&self, now: Duration) -> Duration {
        now.saturating_sub(self.began).max(self.reserved).min(LONGEST_TIME)
    }

    /// Who has it, and what for.
    pub(super) fn describe(&self) -> String {
        format!("{} (pid {}): {}", self.request.trial, self.pid, self.request.faults.join(", "))
    }
}

/// Writes a lease into a new file, locked.
pub(super) fn create(path: &Path, terms: &Terms) -> io::Result<File> {
    let mut text = serde_json::to_vec(terms)?;
    text.push(b'\n');
    if text.len() as u64 > LONGEST / 2 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it would be longer than any lease may be"));
    }
    let mut file = private::create_new(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    file.write_all(&text)?;
    // After a loss of power there is all of it, or no such file.
    file.sync_data()?;
    Ok(file)
}

/// Writes down how long it was in effect: from now on it stands for nothing.
pub(super) fn end(mut file: &File, used: Duration) -> io::Result<()> {
    let mut text = serde_json::to_vec(&Ended { used })?;
    text.push(b'\n');
    file.write_all(&text)
}

/// Opens a file only for its lock. Not through a link: the folder is ours alone, and nobody makes one there.
pub(super) fn open_to_lock(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Whether someone else has the lock.
pub(super) fn is_locked(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            // Closing would do as well, but for a child that is just being started and holds a copy.
            flock(file, FlockOperation::Unlock)?;
            Ok(false)
        }
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Reads a lease; what is wrong with it, where it is none.
pub(super) fn read(file: &File) -> io::Result<Result<Found, String>> {
    let mut text = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut text)?;
    Ok(parse(&text))
}

pub(super) fn parse(text: &[u8]) -> Result<Found, String> {
    if text.len() as u64 > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let mut lines = text.splitn(2, |&byte| byte == b'\n');
    let (terms, rest) = (lines.next().unwrap_or_default(), lines.next());
    let terms: Terms = serde_json::from_slice(terms).map_err(|error| error.to_string())?;
    if terms.schema != SCHEMA {
        return Err(format!("its schema is {}, and this version knows {SCHEMA}", terms.schema));
    }
    if !is_plain(&terms.run) {
        return Err(format!("`{}` is no run", terms.run));
    }
    let times = [terms.reserved, terms.request.least, terms.request.most];
    if times.iter().any(|time| *time > LONGEST_TIME) {
        return Err(format!("it is for longer than {} s", LONGEST_TIME.as_secs()));
    }
    // An end that was cut off is none: what was used is not known then.
    let used = rest.filter(|rest| rest.ends_with(b"\n"));
    let used = used.and_then(|rest| serde_json::from_slice::<Ended>(rest).ok());
    let used = used.map(|ended| ended.used).filter(|used| *used <= LONGEST_TIME);
    Ok(Found { terms, used })
}

/// Whether it is the name of a folder in the folder of all runs, and of nothing else.
fn is_plain(run: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    (1..=255).contains(&run.len()) && run.chars().all(plain) && !run.starts_with('.')
}
