//! Undo logs that nobody closed: the next run puts right what a dead machine, or a killed guard, left behind.
//!
//! The folder of all runs has a folder `open` with one link per undo log that is in use, so that looking for leftovers
//! costs one listing, however many runs there were.

use super::perform::{UndoFailure, put_right};
use super::undo::UndoLog;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;

/// The name of the folder with the links, in the folder of all runs.
const FOLDER: &str = "open";

/// An entry of the folder `open`: an undo log that is in use.
#[derive(Debug)]
pub(super) struct Watch(PathBuf);

impl Watch {
    /// Enters an undo log.
    pub(super) fn begin(root: &Path, undo_log: &Path) -> io::Result<Self> {
        let undo_log = undo_log.canonicalize()?;
        let folder = root.join(FOLDER);
        fs::create_dir_all(&folder)?;
        // A trial's folder is unique within its run, and the run's within the root.
        let mut ancestors = undo_log.iter().rev().skip(1);
        let (trial, run) = (ancestors.next().unwrap_or_default(), ancestors.next().unwrap_or_default());
        let mut name = run.to_owned();
        name.push("+");
        name.push(trial);
        let link = folder.canonicalize()?.join(name);
        symlink(undo_log, &link)?;
        Ok(Self(link))
    }

    /// The entry that another process made.
    pub(super) fn resume(path: OsString) -> Self {
        Self(path.into())
    }

    /// Where the entry is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The log it stands for.
    pub(super) fn undo_log(&self) -> io::Result<PathBuf> {
        fs::read_link(&self.0)
    }

    /// Takes the log out: nothing is left to be undone.
    pub(super) fn end(&self) {
        // At worst the next run reads a log with nothing open.
        drop(fs::remove_file(&self.0));
    }
}

/// What was found of one trial that ended without undoing.
#[derive(Debug)]
pub(crate) struct Leftover {
    pub(crate) undo_log: PathBuf,
    /// How many entries were open.
    pub(crate) open: usize,
    /// Lines of the log that this version does not understand.
    pub(crate) unreadable: Vec<String>,
    /// What could not be undone: the next run tries again.
    pub(crate) failures: Vec<UndoFailure>,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} things of {}", self.open, self.undo_log.display())?;
        for line in &self.unreadable {
            write!(f, "; this version does not understand {line}")?;
        }
        for UndoFailure { action, error } in &self.failures {
            write!(f, "; could not {action}: {error}")?;
        }
        Ok(())
    }
}

/// Undoes what earlier runs under this folder left open, unless their process or guard is still there.
pub(crate) fn replay_leftovers(root: &Path) -> io::Result<Vec<Leftover>> {
    let abandoned = abandoned(root)?;
    if abandoned.is_empty() {
        return Ok(Vec::new());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let replay = move || {
        runtime.block_on(async {
            let mut leftovers = Vec::new();
            for Abandoned { watch, undo_log, log, unreadable } in abandoned {
                let open = log.open().len();
                let failures = put_right(&log).await;
                if failures.is_empty() {
                    watch.end();
                }
                leftovers.push(Leftover { undo_log, open, unreadable, failures });
            }
            leftovers
        })
    };
    // A thread of its own: a runtime must not be started inside another.
    let replaying = thread::Builder::new().name("chaos-leftovers".to_owned()).spawn(replay)?;
    replaying.join().map_err(|_| io::Error::other("undoing what an earlier run left behind panicked"))
}

/// A log that has lost its owner. While it is held here, no other run takes it.
struct Abandoned {
    watch: Watch,
    undo_log: PathBuf,
    log: UndoLog,
    unreadable: Vec<String>,
}

fn abandoned(root: &Path) -> io::Result<Vec<Abandoned>> {
    let entries = match fs::read_dir(root.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut abandoned = Vec::new();
    for entry in entries {
        let watch = Watch(entry?.path());
        // Taken out by its owner meanwhile.
        let Ok(undo_log) = watch.undo_log() else { continue };
        match UndoLog::take_over(&undo_log) {
            Ok(Some((log, unreadable))) => abandoned.push(Abandoned { watch, undo_log, log, unreadable }),
            Ok(None) => {}
            // The run's folder was deleted: nobody knows any more what it held.
            Err(error) if error.kind() == io::ErrorKind::NotFound => watch.end(),
            // Another user's, say: no reason to leave the rest.
            Err(error) => {
                tracing::warn!(%error, undo_log = %undo_log.display(), "cannot read an undo log left open");
            }
        }
    }
    Ok(abandoned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::process::process_start_time;
    use crate::safety::undo::UndoAction;
    use std::process::{Command, Stdio};

    fn log_of(root: &Path, trial: &str) -> (UndoLog, PathBuf, Watch) {
        let folder = root.join("run").join(trial);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("undo.log");
        let log = UndoLog::create(&path).unwrap();
        let watch = Watch::begin(root, &path).unwrap();
        (log, path, watch)
    }

    #[tokio::test]
    async fn what_the_dead_left_is_undone_and_what_the_living_hold_is_not() {
        let root = tempfile::tempdir().unwrap();
        let sleeper = || Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let (mut left, mut held) = (sleeper(), sleeper());
        let (dead, dead_path, dead_watch) = log_of(root.path(), "dead");
        let (alive, _, alive_watch) = log_of(root.path(), "alive");
        for (log, child) in [(&dead, &left), (&alive, &held)] {
            let started = process_start_time(child.id()).unwrap();
            log.record(UndoAction::KillProcess { pid: child.id(), started }).unwrap();
        }
        drop(dead);

        let leftovers = replay_leftovers(root.path()).unwrap();
        assert_eq!(leftovers.len(), 1);
        assert_eq!(leftovers[0].undo_log, dead_path.canonicalize().unwrap());
        assert_eq!((leftovers[0].open, leftovers[0].failures.len()), (1, 0));
        left.wait().unwrap();
        assert_eq!(held.try_wait().unwrap(), None);
        assert!(dead_watch.undo_log().is_err());
        assert!(alive_watch.undo_log().is_ok());

        assert!(replay_leftovers(root.path()).unwrap().is_empty(), "done once");
        held.kill().unwrap();
        held.wait().unwrap();
    }

    #[test]
    fn what_cannot_be_undone_is_tried_again_by_the_next_run() {
        let root = tempfile::tempdir().unwrap();
        let (log, _, _) = log_of(root.path(), "stubborn");
        log.record(UndoAction::KillProcess { pid: 1, started: process_start_time(1).unwrap() }).unwrap();
        drop(log);
        for _ in 0..2 {
            assert_eq!(replay_leftovers(root.path()).unwrap()[0].failures.len(), 1);
        }
    }

    #[test]
    fn a_deleted_run_leaves_no_entry() {
        let root = tempfile::tempdir().unwrap();
        let (log, _, watch) = log_of(root.path(), "deleted");
        drop(log);
        fs::remove_dir_all(root.path().join("run")).unwrap();
        assert!(replay_leftovers(root.path()).unwrap().is_empty());
        assert!(watch.undo_log().is_err());
    }

    #[test]
    fn a_folder_without_runs_has_no_leftovers() {
        let root = tempfile::tempdir().unwrap();
        assert!(replay_leftovers(&root.path().join("never/used")).unwrap().is_empty());
    }
}
