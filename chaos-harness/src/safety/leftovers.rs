//! Undo logs that nobody closed: the next run puts right what a dead machine, or a killed guard, left behind.
//!
//! The folder of all runs has a folder `open` with one link per undo log that is in use, so that looking for leftovers
//! costs one listing, however many runs there were.

use super::perform::put_right;
use super::private;
use super::process::ProcessId;
use super::undo::{LogState, OpenEntry, Progress, UndoLog};
use crate::causes::causes;
use futures::future::join_all;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::thread;

/// The name of the folder with the links, in the folder of all runs.
const FOLDER: &str = "open";

/// An entry of the folder `open`: an undo log that is in use.
#[derive(Debug)]
pub(super) struct Watch(PathBuf);

impl Watch {
    /// Enters an undo log, which is in the folder of its run. The entry is durable when this returns.
    pub(super) fn begin(root: &Path, undo_log: &Path) -> io::Result<Self> {
        private::create_dir_all(&root.join(FOLDER))?;
        // The guard works in another folder.
        let root = root.canonicalize()?;
        let run = undo_log.parent().and_then(Path::file_name).unwrap_or_default();
        let file = undo_log.file_name().unwrap_or_default();
        // A log's name is unique within its run, and the run's within the root.
        let mut name = run.to_owned();
        name.push("+");
        name.push(undo_log.file_stem().unwrap_or_default());
        let folder = root.join(FOLDER);
        let link = folder.join(name);
        // Not by the whole path: a container may have the folder of runs at another place.
        symlink(Path::new("..").join(run).join(file), &link)?;
        for folder in [&folder, &root.join(run), &root] {
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

    /// The log it stands for: one below the folder of runs, whatever it says.
    pub(super) fn undo_log(&self) -> io::Result<PathBuf> {
        let link = fs::read_link(&self.0)?;
        let parts: Vec<_> = link.components().collect();
        match *parts.as_slice() {
            [Component::ParentDir, Component::Normal(run), Component::Normal(file)] => {
                Ok(self.runs().join(run).join(file))
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it leads out of the folder of runs")),
        }
    }

    /// The folder of all runs.
    pub(super) fn runs(&self) -> &Path {
        self.0.parent().and_then(Path::parent).unwrap_or(Path::new(""))
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
    /// How many more there are that only a run in the container that did them can undo: from here its processes have other
    /// numbers. They are left to it.
    pub elsewhere: usize,
    /// Lines of the log that were damaged, or that this version does not understand.
    pub unreadable: Vec<String>,
    /// What could not be undone, and why: it is tried again each time.
    pub failures: Vec<String>,
}

impl Leftover {
    fn of(undo_log: PathBuf) -> Self {
        Self { undo_log, open: 0, elsewhere: 0, unreadable: Vec::new(), failures: Vec::new() }
    }

    /// Whether all of it is undone that can be from here, and all of it was understood.
    #[must_use]
    pub fn is_undone(&self) -> bool {
        self.failures.is_empty() && self.unreadable.is_empty()
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let things = if self.open == 1 { "thing" } else { "things" };
        let undone = if self.is_undone() { "undone" } else { "NOT ALL UNDONE" };
        write!(f, "{undone}: {} {things} of {}", self.open, self.undo_log.display())?;
        if self.elsewhere > 0 {
            write!(f, "; {} more left to runs in the container that did them", self.elsewhere)?;
        }
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
/// there, or they are another user's. Each run does this before its first trial; the command is `cargo chaos recover`.
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
    recover_but(runs, &BTreeSet::new())
}

/// The same, but for these undo logs.
pub(crate) fn recover_but(runs: &Path, not: &BTreeSet<PathBuf>) -> io::Result<Vec<Leftover>> {
    let (abandoned, mut leftovers) = abandoned(runs, not)?;
    if abandoned.is_empty() {
        return Ok(leftovers);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let replay = move || runtime.block_on(join_all(abandoned.into_iter().map(put_log_right)));
    // A thread of its own: a runtime must not be started inside another.
    let replaying = thread::Builder::new().name("chaos-leftovers".to_owned()).spawn(replay)?;
    let put_right = replaying.join();
    let put_right =
        put_right.map_err(|_| io::Error::other("undoing what an earlier run left behind panicked"))?;
    leftovers.extend(put_right.into_iter().flatten());
    Ok(leftovers)
}

/// Undoes what is open in one log; what that came to, if there was anything to do or to say.
async fn put_log_right(Abandoned { watch, undo_log, log }: Abandoned) -> Option<Leftover> {
    let (open, elsewhere, unreadable) = (log.open().len(), log.elsewhere(), log.unreadable());
    let failures: Vec<_> = put_right(&log).await.iter().map(|failure| causes(failure)).collect();
    if failures.is_empty() && !log.is_for_others() {
        watch.end();
    }
    let is_worth_telling = open + elsewhere > 0 || !unreadable.is_empty();
    is_worth_telling.then_some(Leftover { undo_log, open, elsewhere, unreadable, failures })
}

/// A log that has lost its owner. While it is held here, no other run takes it.
struct Abandoned {
    watch: Watch,
    undo_log: PathBuf,
    log: UndoLog,
}

/// The logs that have lost their owners, and what is to be told of those that cannot be read.
fn abandoned(runs: &Path, not: &BTreeSet<PathBuf>) -> io::Result<(Vec<Abandoned>, Vec<Leftover>)> {
    let (mut abandoned, mut unread) = (Vec::new(), Vec::new());
    for watch in watches(runs)? {
        let undo_log = match watch.undo_log() {
            Ok(undo_log) => undo_log,
            // Taken out by its owner meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                let failures = vec![error.to_string()];
                unread.push(Leftover { failures, ..Leftover::of(watch.path().to_owned()) });
                continue;
            }
        };
        if not.contains(&undo_log) {
            continue;
        }
        match UndoLog::take_over(&undo_log) {
            Ok(Some(log)) => abandoned.push(Abandoned { watch, undo_log, log }),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Told once: there will never be more to say.
                watch.end();
                let why = "it was deleted before all was undone, and what it told of is not known any more";
                unread.push(Leftover { failures: vec![why.to_owned()], ..Leftover::of(undo_log) });
            }
            // Their next run sees to it.
            Err(_) if private::is_of_others(&undo_log) => {}
            Err(error) => {
                let failures = vec![format!("it cannot be read: {error}")];
                unread.push(Leftover { failures, ..Leftover::of(undo_log) });
            }
        }
    }
    Ok((abandoned, unread))
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
    /// Whether neither process nor guard is there: what is open takes [`recover`] then.
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
        assert_eq!(leftovers[0].undo_log, dead_path);
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
        let told = recover(root.path()).unwrap();
        assert!(told[0].to_string().contains("it was deleted before all was undone"), "{}", told[0]);
        assert!(watch.undo_log().is_err());
        assert!(recover(root.path()).unwrap().is_empty(), "told once");
    }

    #[test]
    fn a_log_that_cannot_be_read_is_told_and_kept() {
        let root = tempfile::tempdir().unwrap();
        let (log, path, watch) = log_of(root.path(), "endless");
        drop(log);
        fs::write(&path, "x".repeat(100_000)).unwrap();
        for _ in 0..2 {
            let told = recover(root.path()).unwrap();
            assert!(!told[0].is_undone() && told[0].to_string().contains("is longer than"), "{}", told[0]);
            let seen = &in_use(root.path()).unwrap()[0];
            assert!(seen.unreadable[0].contains("is longer than"), "{seen:?}");
        }
        assert!(watch.undo_log().is_ok());
        assert!(recover_but(root.path(), &BTreeSet::from([path])).unwrap().is_empty(), "tried already");
    }

    #[test]
    fn what_a_newer_version_wrote_is_left_to_it() {
        let root = tempfile::tempdir().unwrap();
        let (log, path, watch) = log_of(root.path(), "newer");
        drop(log);
        let newer = r#"{"Healed":{"id":4}}"#;
        let line = format!("{:08x} {newer}\n", crc32fast::hash(newer.as_bytes()));
        fs::write(&path, line).unwrap();
        for _ in 0..2 {
            let told = recover(root.path()).unwrap();
            assert!(told[0].to_string().contains("not understood: of another version"), "{}", told[0]);
        }
        assert!(watch.undo_log().is_ok());
    }

    #[test]
    fn what_another_container_did_is_left_to_it_and_shown() {
        use crate::safety::process::{Namespace, is_namespace_over};

        let root = tempfile::tempdir().unwrap();
        let (log, path, watch) = log_of(root.path(), "theirs");
        drop(log);
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let kill =
            UndoAction::KillProcess { pid: child.id(), started: process_start_time(child.id()).unwrap() };
        let kill = serde_json::to_string(&kill).unwrap();
        let lines = [
            r#"{"Opened":{"boot":null,"process":null,"pid_namespace":1,"net_namespace":null}}"#.to_owned(),
            format!(r#"{{"Intent":{{"id":0,"trial":null,"action":{kill}}}}}"#),
        ];
        let text = lines.map(|line| format!("{:08x} {line}\n", crc32fast::hash(line.as_bytes())));
        fs::write(&path, text.concat()).unwrap();

        // Where all processes of the machine are seen, it is known that there is no such container.
        let is_known = is_namespace_over(Namespace::Processes, 1);
        let seen = in_use(root.path()).unwrap().remove(0);
        assert_eq!((seen.open.len(), seen.elsewhere.len()), (0, usize::from(!is_known)));
        let told = recover(root.path()).unwrap();
        assert_eq!(told.len(), usize::from(!is_known));
        assert!(told.iter().all(|leftover| leftover.is_undone() && leftover.elsewhere == 1), "{told:?}");
        assert_eq!(watch.undo_log().is_ok(), !is_known);
        assert_eq!(child.try_wait().unwrap(), None, "that number is another process here");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn an_entry_that_leads_out_of_the_folder_is_not_followed() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let (log, path, _) = log_of(outside.path(), "forged");
        let started = process_start_time(child.id()).unwrap();
        log.record(UndoAction::KillProcess { pid: child.id(), started }).unwrap();
        drop(log);
        fs::create_dir(root.path().join("run")).unwrap();
        fs::create_dir(root.path().join("open")).unwrap();
        // By the entry itself, and by a link in the place of the log.
        symlink(&path, root.path().join("open/absolute")).unwrap();
        symlink(&path, root.path().join("run/forged.log")).unwrap();
        symlink("../run/forged.log", root.path().join("open/relative")).unwrap();
        let told = recover(root.path()).unwrap();
        assert_eq!(told.iter().filter(|leftover| !leftover.is_undone()).count(), 2, "{told:?}");
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
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

    #[test]
    fn a_log_with_nothing_open_is_no_leftover() {
        let root = tempfile::tempdir().unwrap();
        let (log, _, watch) = log_of(root.path(), "clean");
        drop(log);
        assert!(recover(root.path()).unwrap().is_empty());
        assert!(watch.undo_log().is_err());
    }
}
