//! Undo logs that nobody closed: the next run puts right what a dead machine, or a killed guard, left behind.
//!
//! The folder of all runs has a folder `open` with one link per undo log that is in use, so that looking for leftovers
//! costs one listing, however many runs there were.

use super::perform::{UndoFailure, put_right};
use super::private;
use super::process::ProcessId;
use super::undo::{Progress, UndoLog};
use serde::Serialize;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
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
    /// Enters an undo log. The entry is durable when this returns.
    pub(super) fn begin(root: &Path, undo_log: &Path) -> io::Result<Self> {
        let undo_log = undo_log.canonicalize()?;
        let folder = root.join(FOLDER);
        private::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        // A log's name is unique within its run, and the run's within the root.
        let run = undo_log.parent().and_then(Path::file_name).unwrap_or_default();
        let mut name = run.to_owned();
        name.push("+");
        name.push(undo_log.file_stem().unwrap_or_default());
        let link = folder.join(name);
        symlink(&undo_log, &link)?;
        // The log itself is in the folder of its run.
        for folder in [Some(&*folder), undo_log.parent()].into_iter().flatten() {
            File::open(folder)?.sync_all()?;
        }
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

/// What a process left behind that ended without undoing, guard and all, and what became of it.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Leftover {
    /// The undo log that told of it.
    pub undo_log: PathBuf,
    /// How many things there were to be undone.
    pub open: usize,
    /// Lines of the log that were damaged, or that this version does not understand.
    pub unreadable: Vec<String>,
    /// What could not be undone, and why: it is tried again each time.
    pub failures: Vec<String>,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let things = if self.open == 1 { "thing" } else { "things" };
        write!(f, "{} {things} of {}", self.open, self.undo_log.display())?;
        for line in &self.unreadable {
            write!(f, "; not understood: {line}")?;
        }
        for failure in &self.failures {
            write!(f, "; {failure}")?;
        }
        Ok(())
    }
}

/// Undoes what earlier runs under this folder, `target/chaos`, left open, unless their process or its guard is still
/// there. Each run does this before its first trial; the command is `cargo chaos recover`.
///
/// ```no_run
/// for leftover in chaos_harness::safety::recover("target/chaos".as_ref())? {
///     println!("{leftover}");
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The folder's entries cannot be read. What cannot be undone is no error here, but told of in what is returned.
pub fn recover(runs: &Path) -> io::Result<Vec<Leftover>> {
    let abandoned = abandoned(runs)?;
    if abandoned.is_empty() {
        return Ok(Vec::new());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let replay = move || {
        runtime.block_on(async {
            let mut leftovers = Vec::new();
            for Abandoned { watch, undo_log, log } in abandoned {
                let (open, unreadable) = (log.open().len(), log.unreadable());
                let failures = put_right(&log).await;
                if failures.is_empty() {
                    watch.end();
                }
                if open > 0 || !unreadable.is_empty() {
                    let failures = failures.iter().map(UndoFailure::with_causes).collect();
                    leftovers.push(Leftover { undo_log, open, unreadable, failures });
                }
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
}

fn abandoned(runs: &Path) -> io::Result<Vec<Abandoned>> {
    let mut abandoned = Vec::new();
    for watch in watches(runs)? {
        // Taken out by its owner meanwhile.
        let Ok(undo_log) = watch.undo_log() else { continue };
        match UndoLog::take_over(&undo_log) {
            Ok(Some(log)) => abandoned.push(Abandoned { watch, undo_log, log }),
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

fn watches(runs: &Path) -> io::Result<Vec<Watch>> {
    match fs::read_dir(runs.join(FOLDER)) {
        Ok(entries) => entries.map(|entry| Ok(Watch(entry?.path()))).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// A process of experiments that has, or has left, something to be undone.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct InUse {
    /// The run that it is part of.
    pub run: String,
    /// Its undo log.
    pub undo_log: PathBuf,
    /// The test process, where it is there.
    pub process: Option<u32>,
    /// Its guard, where it is there.
    pub guard: Option<u32>,
    /// Whether it takes [`recover`] to undo what is open: neither process nor guard is there.
    pub is_abandoned: bool,
    /// What is to be undone, oldest first.
    pub open: Vec<ToUndo>,
    /// Lines of the log that were damaged, or that this version does not understand.
    pub unreadable: Vec<String>,
}

/// Something that is to be undone.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ToUndo {
    /// The trial that did it.
    pub trial: Option<String>,
    /// What undoes it, in words.
    pub undo: String,
    /// Whether it has been done, and not only been intended.
    pub is_applied: bool,
}

/// The processes under this folder of all runs, `target/chaos`, that have something to be undone: those that run, and
/// those that left it. The command is `cargo chaos ps`.
///
/// ```no_run
/// for run in chaos_harness::safety::in_use("target/chaos".as_ref())? {
///     println!("{}: {} to undo", run.run, run.open.len());
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The folder's entries, or a log, cannot be read.
pub fn in_use(runs: &Path) -> io::Result<Vec<InUse>> {
    let mut found = Vec::new();
    for watch in watches(runs)? {
        let Ok(undo_log) = watch.undo_log() else { continue };
        let (state, is_held) = match (UndoLog::look(&undo_log), UndoLog::is_held(&undo_log)) {
            (Ok(state), Ok(is_held)) => (state, is_held),
            (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => continue,
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let alive = |id: Option<ProcessId>| id.filter(|id| id.is_alive()).map(|id| id.pid);
        let run = undo_log.parent().and_then(Path::file_name).unwrap_or_default();
        let open = state.open.into_values().map(|entry| ToUndo {
            trial: entry.trial,
            undo: entry.action.to_string(),
            is_applied: entry.progress == Progress::Applied,
        });
        found.push(InUse {
            run: run.to_string_lossy().into_owned(),
            process: alive(state.owner),
            guard: alive(state.guard),
            is_abandoned: !is_held,
            open: open.collect(),
            unreadable: state.unreadable,
            undo_log,
        });
    }
    found.sort_by(|one, other| one.undo_log.cmp(&other.undo_log));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::process::process_start_time;
    use crate::safety::undo::UndoAction;
    use std::process::{Command, Stdio};

    fn log_of(root: &Path, trial: &str) -> (UndoLog, PathBuf, Watch) {
        let folder = root.join("run");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{trial}.log"));
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

        let leftovers = recover(root.path()).unwrap();
        assert_eq!(leftovers.len(), 1);
        assert_eq!(leftovers[0].undo_log, dead_path.canonicalize().unwrap());
        assert_eq!((leftovers[0].open, leftovers[0].failures.len()), (1, 0));
        left.wait().unwrap();
        assert_eq!(held.try_wait().unwrap(), None);
        assert!(dead_watch.undo_log().is_err());
        assert!(alive_watch.undo_log().is_ok());

        assert!(recover(root.path()).unwrap().is_empty(), "done once");
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
            assert_eq!(recover(root.path()).unwrap()[0].failures.len(), 1);
        }
    }

    #[test]
    fn a_deleted_run_leaves_no_entry() {
        let root = tempfile::tempdir().unwrap();
        let (log, _, watch) = log_of(root.path(), "deleted");
        drop(log);
        fs::remove_dir_all(root.path().join("run")).unwrap();
        assert!(recover(root.path()).unwrap().is_empty());
        assert!(watch.undo_log().is_err());
    }

    #[test]
    fn a_folder_without_runs_has_no_leftovers() {
        let root = tempfile::tempdir().unwrap();
        let never = root.path().join("never/used");
        assert!(recover(&never).unwrap().is_empty() && in_use(&never).unwrap().is_empty());
    }

    #[test]
    fn what_is_in_use_is_told_with_its_process_and_what_is_abandoned_as_such() {
        let root = tempfile::tempdir().unwrap();
        let (alive, path, _) = log_of(root.path(), "alive");
        let trial = alive.of_trial("cart::slow");
        let id = trial.record(UndoAction::RemoveContainers { trial: "t".to_owned() }).unwrap();
        trial.applied(id).unwrap();
        trial.record(UndoAction::KillTagged { trial: "t".to_owned() }).unwrap();

        let seen = in_use(root.path()).unwrap().remove(0);
        assert_eq!((&*seen.run, seen.undo_log), ("run", path.canonicalize().unwrap()));
        assert_eq!((seen.process, seen.guard, seen.is_abandoned), (Some(std::process::id()), None, false));
        let told: Vec<_> = seen.open.iter().map(|open| (&*open.undo, open.is_applied)).collect();
        assert_eq!(
            told,
            [("remove the containers of trial t", true), ("kill the processes of trial t", false)]
        );
        assert_eq!(seen.open[0].trial.as_deref(), Some("cart::slow"));

        drop((trial, alive));
        assert!(in_use(root.path()).unwrap()[0].is_abandoned);
    }

    #[test]
    fn a_log_with_nothing_open_is_no_leftover() {
        let root = tempfile::tempdir().unwrap();
        let (log, _, watch) = log_of(root.path(), "clean");
        drop(log);
        assert!(recover(root.path()).unwrap().is_empty());
        assert!(watch.undo_log().is_err());
    }
}
