//! The undo log: the write-ahead list of what must be undone.
//!
//! An entry is durable before the thing it undoes is done. Whoever finds a log with open entries can put the world
//! right: the trial itself, the guard process when the trial is gone, or the next run when the machine was.
//!
//! A log is a file of JSON lines. Whoever has it open as an [`UndoLog`] holds its lock: a log that can be locked has
//! lost its owner.

use super::process::boot_id;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// Delete this proxy of the Toxiproxy server whose API is there. Written before it is made, under a name that no
    /// other run gives.
    DeleteProxy { server: SocketAddr, name: String },
}

impl UndoAction {
    /// Whether it names a process by its number, which means nothing once the machine was restarted.
    fn names_a_process(&self) -> bool {
        match self {
            Self::KillProcess { .. } | Self::ResumeProcess { .. } | Self::RestoreAddressSpace { .. } => true,
            Self::KillTagged { .. }
            | Self::RemoveContainers { .. }
            | Self::UnpauseContainer { .. }
            | Self::RestoreCpuQuota { .. }
            | Self::DeleteProxy { .. } => false,
        }
    }
}

impl fmt::Display for UndoAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillTagged { trial } => write!(f, "kill the processes of trial {trial}"),
            Self::KillProcess { pid, .. } => write!(f, "kill process {pid}"),
            Self::ResumeProcess { pid, .. } => write!(f, "resume process {pid}"),
            Self::RestoreAddressSpace { pid, .. } => write!(f, "lift the memory limit of process {pid}"),
            Self::RemoveContainers { trial } => write!(f, "remove the containers of trial {trial}"),
            Self::UnpauseContainer { id } => write!(f, "unpause container {id}"),
            Self::RestoreCpuQuota { id, .. } => write!(f, "restore the CPU quota of container {id}"),
            Self::DeleteProxy { server, name } => {
                write!(f, "delete the proxy {name} of the Toxiproxy at {server}")
            }
        }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct UndoId(u64);

#[derive(Debug, Serialize, Deserialize)]
enum Line {
    /// Who wrote the log: the machine, as it was started then.
    Opened {
        boot: Option<String>,
    },
    Do {
        id: UndoId,
        action: UndoAction,
    },
    Done {
        id: UndoId,
    },
    /// Left as it is, because the user asked for that.
    Kept {
        id: UndoId,
    },
}

/// What a log says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenEntries {
    /// What is still to be undone, oldest first.
    pub(crate) entries: Vec<(UndoId, UndoAction)>,
    /// Lines that this version does not understand: a newer one may.
    pub(crate) unreadable: Vec<String>,
}

impl OpenEntries {
    fn parse(log: &[u8], boot: Option<&str>) -> Self {
        let (whole, last) = log.split_at(log.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1));
        let mut open = BTreeMap::new();
        let mut unreadable = Vec::new();
        let mut rebooted = false;
        let mut apply = |line| match line {
            Line::Opened { boot: then } => rebooted = then.is_some() && then.as_deref() != boot,
            Line::Do { id, action } => {
                open.insert(id, action);
            }
            Line::Done { id } | Line::Kept { id } => {
                open.remove(&id);
            }
        };
        for line in whole.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(line) => apply(line),
                Err(_) => unreadable.push(String::from_utf8_lossy(line).into_owned()),
            }
        }
        // A last line without its end was torn: it was never durable, so nothing was done on the strength of it.
        if let Ok(line) = serde_json::from_slice(last) {
            apply(line);
        }
        if rebooted {
            open.retain(|_, action| !action.names_a_process());
        }
        Self { entries: open.into_iter().collect(), unreadable }
    }
}

/// The log of one trial. Clones write to the same file.
#[derive(Debug, Clone)]
pub(crate) struct UndoLog(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    file: File,
    next: u64,
    open: BTreeMap<UndoId, UndoAction>,
    /// The last write did not reach its line's end.
    torn: bool,
}

impl UndoLog {
    /// An empty log in a new file.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create_new(true).append(true).open(path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        let mut inner = Inner { file, next: 0, open: BTreeMap::new(), torn: false };
        inner.append(&Line::Opened { boot: boot_id() })?;
        Ok(Self(Arc::new(Mutex::new(inner))))
    }

    /// Takes over the log of an owner that is gone, with the lines of it that were not understood. `None` while it
    /// has an owner.
    pub(crate) fn take_over(path: &Path) -> io::Result<Option<(Self, Vec<String>)>> {
        let file = OpenOptions::new().append(true).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Self::continued(file, path).map(Some),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Works on a log beside its owner, who asked for that.
    pub(crate) fn share(path: &Path) -> io::Result<(Self, Vec<String>)> {
        Self::continued(OpenOptions::new().append(true).open(path)?, path)
    }

    fn continued(file: File, path: &Path) -> io::Result<(Self, Vec<String>)> {
        let text = fs::read(path)?;
        let OpenEntries { entries, unreadable } = OpenEntries::parse(&text, boot_id().as_deref());
        let next = entries.last().map_or(0, |(id, _)| id.0 + 1);
        let torn = text.last().is_some_and(|&byte| byte != b'\n');
        let inner = Inner { file, next, open: entries.into_iter().collect(), torn };
        Ok((Self(Arc::new(Mutex::new(inner))), unreadable))
    }

    /// What the log in this file leaves to be undone.
    #[cfg(test)]
    pub(crate) fn open_entries(path: &Path) -> io::Result<OpenEntries> {
        Ok(OpenEntries::parse(&fs::read(path)?, boot_id().as_deref()))
    }

    /// Writes down what must be undone. It is durable when this returns: only then may it be done.
    pub(crate) fn record(&self, action: UndoAction) -> io::Result<UndoId> {
        let mut inner = self.lock();
        let id = UndoId(inner.next);
        inner.next += 1;
        inner.append(&Line::Do { id, action: action.clone() })?;
        inner.file.sync_data()?;
        inner.open.insert(id, action);
        Ok(id)
    }

    /// Writes down that it has been undone. Need not be durable: undoing twice is harmless.
    pub(crate) fn done(&self, id: UndoId) -> io::Result<()> {
        let mut inner = self.lock();
        inner.append(&Line::Done { id })?;
        inner.open.remove(&id);
        Ok(())
    }

    /// What is still to be undone, oldest first.
    pub(crate) fn open(&self) -> Vec<(UndoId, UndoAction)> {
        self.lock().open.iter().map(|(id, action)| (*id, action.clone())).collect()
    }

    /// Leaves everything as it is, for good: nobody will undo it. Returns what was left.
    pub(crate) fn close_all_kept(&self) -> io::Result<Vec<UndoAction>> {
        let mut inner = self.lock();
        let mut kept = Vec::new();
        while let Some((&id, _)) = inner.open.first_key_value() {
            inner.append(&Line::Kept { id })?;
            kept.extend(inner.open.remove(&id));
        }
        Ok(kept)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that is just being started holds a copy of it until it calls exec.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

impl Inner {
    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = Vec::new();
        if self.torn {
            text.push(b'\n');
        }
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
        // One write, of whole lines: what follows a failed one starts on a line of its own.
        self.torn = true;
        self.file.write_all(&text)?;
        self.torn = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn action() -> impl Strategy<Value = UndoAction> {
        prop_oneof![
            // Names with bytes that JSON escapes and that UTF-8 splits.
            "[a-z\"\\\\\né∆:]{0,12}".prop_map(|trial| UndoAction::KillTagged { trial }),
            (2_u32.., any::<u64>()).prop_map(|(pid, started)| UndoAction::KillProcess { pid, started }),
            "[0-9a-f]{12}".prop_map(|id| UndoAction::UnpauseContainer { id }),
        ]
    }

    #[derive(Debug, Clone)]
    enum Step {
        Record(UndoAction),
        Done(prop::sample::Index),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            2 => action().prop_map(Step::Record),
            1 => any::<prop::sample::Index>().prop_map(Step::Done),
        ]
    }

    proptest! {
        // Each case writes to a disk.
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A crash may cut the file anywhere: what was durable by then and not undone is found, and nothing else.
        #[test]
        fn what_was_recorded_and_not_undone_is_found(steps in prop::collection::vec(step(), 0..24), cut in any::<prop::sample::Index>()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("undo.log");
            let log = UndoLog::create(&path).unwrap();
            // The file's length after each step, and what is open then.
            let mut states = vec![(fs::metadata(&path).unwrap().len(), Vec::new())];
            for step in steps {
                match step {
                    Step::Record(action) => { log.record(action).unwrap(); }
                    Step::Done(index) => {
                        let open = log.open();
                        if !open.is_empty() {
                            log.done(index.get(&open).0).unwrap();
                        }
                    }
                }
                states.push((fs::metadata(&path).unwrap().len(), log.open()));
            }
            let text = fs::read(&path).unwrap();
            let cut = cut.index(text.len() + 1) as u64;
            fs::write(&path, &text[..usize::try_from(cut).unwrap()]).unwrap();

            // A line that lacks only its end can be read; counting it as whole is right both ways.
            let expected = states.iter().rev().find(|(length, _)| *length <= cut + 1).map(|(_, open)| open.clone());
            let found = UndoLog::open_entries(&path).unwrap();
            prop_assert_eq!(found.entries, expected.unwrap_or_default());
            prop_assert!(found.unreadable.is_empty());

            // Whoever takes over can write after the tear.
            drop(log);
            let (log, _) = UndoLog::take_over(&path).unwrap().expect("its owner is gone");
            let id = log.record(UndoAction::KillTagged { trial: "after".to_owned() }).unwrap();
            prop_assert_eq!(UndoLog::open_entries(&path).unwrap().entries, log.open());
            log.done(id).unwrap();
            prop_assert_eq!(UndoLog::open_entries(&path).unwrap().entries, log.open());
        }
    }

    fn kill(pid: u32) -> UndoAction {
        UndoAction::KillProcess { pid, started: 1 }
    }

    #[test]
    fn a_line_of_a_newer_version_is_reported_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("undo.log");
        let log = UndoLog::create(&path).unwrap();
        let first = log.record(kill(10)).unwrap();
        let newer = r#"{"Do":{"id":1,"action":{"HealNetwork":{"name":"n"}}}}"#;
        writeln!(OpenOptions::new().append(true).open(&path).unwrap(), "{newer}").unwrap();

        let found = UndoLog::open_entries(&path).unwrap();
        assert_eq!(found.entries, [(first, kill(10))]);
        assert_eq!(found.unreadable, [newer]);
    }

    #[test]
    fn process_numbers_mean_nothing_after_a_restart_of_the_machine() {
        let removal = UndoAction::RemoveContainers { trial: "t".to_owned() };
        let lines = [
            Line::Opened { boot: Some("before".to_owned()) },
            Line::Do { id: UndoId(0), action: removal.clone() },
            Line::Do { id: UndoId(1), action: kill(10) },
        ];
        let log: String =
            lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect::<Vec<_>>().concat();
        let read = |boot| OpenEntries::parse(log.as_bytes(), Some(boot)).entries;
        assert_eq!(read("after"), [(UndoId(0), removal.clone())]);
        assert_eq!(read("before"), [(UndoId(0), removal), (UndoId(1), kill(10))]);
    }

    #[test]
    fn only_a_log_without_an_owner_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("undo.log");
        let log = UndoLog::create(&path).unwrap();
        log.record(kill(10)).unwrap();
        assert!(UndoLog::take_over(&path).unwrap().is_none());
        drop(log);
        let (log, _) = UndoLog::take_over(&path).unwrap().expect("its owner is gone");
        assert_eq!(log.open().len(), 1);
    }

    #[test]
    fn what_is_kept_is_no_longer_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("undo.log");
        let log = UndoLog::create(&path).unwrap();
        log.record(kill(10)).unwrap();
        log.record(kill(11)).unwrap();
        assert_eq!(log.close_all_kept().unwrap(), [kill(10), kill(11)]);
        assert_eq!(log.open(), []);
        assert_eq!(UndoLog::open_entries(&path).unwrap(), OpenEntries::default());
    }
}
