//! What is in use, and what was left: the undo logs that nobody took out, as they are.

use super::private;
use super::process::ProcessId;
use super::undo::{LogState, OpenEntry, Progress, UndoLog};
use super::watch::watches;
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};

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
    /// Whether neither process nor guard is there: what is open takes [`recover`](super::recover) then.
    pub is_abandoned: bool,
    /// What is to be undone, oldest first.
    pub open: Vec<ToUndo>,
    /// What is to be undone by a container that is another one than this, or by a run in it: processes are numbered
    /// otherwise there.
    pub elsewhere: Vec<ToUndo>,
    /// Lines of the log that were damaged, or that this version does not understand; why it cannot be read at all.
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
/// The folder's entries cannot be read. A log that cannot be read is no error here, but told of in what is returned.
pub fn in_use(runs: &Path) -> io::Result<Vec<InUse>> {
    let mut found = Vec::new();
    for watch in watches(runs)? {
        let Ok(undo_log) = watch.undo_log() else { continue };
        let looked = UndoLog::look(&undo_log).and_then(|state| Ok((state, UndoLog::is_held(&undo_log)?)));
        let (state, is_held) = match looked {
            Ok(looked) => looked,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) if private::is_of_others(&undo_log) => continue,
            Err(error) => {
                let mut nothing = LogState::default();
                nothing.unreadable.push(format!("it cannot be read: {error}"));
                (nothing, false)
            }
        };
        let alive = |id: Option<ProcessId>| id.filter(|id| id.is_alive()).map(|id| id.pid);
        let run = undo_log.parent().and_then(Path::file_name).unwrap_or_default();
        found.push(InUse {
            run: run.to_string_lossy().into_owned(),
            process: alive(state.owner),
            guard: alive(state.guard),
            is_abandoned: !is_held,
            open: state.open.into_values().map(ToUndo::from).collect(),
            elsewhere: state.elsewhere.into_values().map(ToUndo::from).collect(),
            unreadable: state.unreadable,
            undo_log,
        });
    }
    found.sort_by(|one, other| one.undo_log.cmp(&other.undo_log));
    Ok(found)
}

impl From<OpenEntry> for ToUndo {
    fn from(OpenEntry { trial, action, progress }: OpenEntry) -> Self {
        Self { trial, undo: action.to_string(), is_applied: progress == Progress::Applied }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine_address::EngineAddress;
    use crate::safety::undo::UndoAction;
    use crate::safety::watch::tests::log_of;

    #[test]
    fn what_is_in_use_is_told_with_its_process_and_what_is_abandoned_as_such() {
        let root = tempfile::tempdir().unwrap();
        let (alive, path, _) = log_of(root.path(), "alive");
        let trial = alive.of_trial("cart::slow");
        let engine = EngineAddress::Unix("/run/docker.sock".into());
        let id = trial.record(UndoAction::RemoveContainers { engine, trial: "t".to_owned() }).unwrap();
        trial.applied(id).unwrap();
        trial.record(UndoAction::KillTagged { trial: "t".to_owned() }).unwrap();

        let seen = in_use(root.path()).unwrap().remove(0);
        assert_eq!((&*seen.run, seen.undo_log), ("run", path));
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
}
