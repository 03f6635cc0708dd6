//! What undoes for this process: one undo log, and one guard that acts on it when the process is gone.

use super::guard::Guard;
use super::undo::UndoLog;
use super::watch::Watch;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The logs of this process, each in the folder of its run. There is more than one only where one process works in several
/// folders of results, as this library's own tests do.
static LOGS: Mutex<Vec<UndoLog>> = Mutex::new(Vec::new());

/// The undo log could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the undo log {}: {source}", path.display())]
pub(crate) struct SafeguardError {
    path: PathBuf,
    source: io::Error,
}

/// The undo log of this process for a run, whose folder is there, under the folder of all runs.
///
/// Nobody watches over it before something is recorded: only then is a guard started, and a dead one replaced.
pub(crate) fn undo_log(runs: &Path, run: &Path) -> Result<UndoLog, SafeguardError> {
    let mut logs = LOGS.lock().unwrap_or_else(PoisonError::into_inner);
    // One whose folder was removed would be undone by its guard, but by no later run.
    logs.retain(|log| log.path().exists());
    if let Some(log) = logs.iter().find(|log| log.path().parent() == Some(run)) {
        return Ok(log.clone());
    }
    let log = create(run)?;
    let (runs, path) = (runs.to_owned(), log.path().to_owned());
    let mut sentry = Sentry { runs, log: path, watch: None, guard: None, is_entered: false };
    let log = log.watched_by(Box::new(move |descriptor| sentry.post(descriptor)));
    logs.push(log.clone());
    Ok(log)
}

/// A new log: a process number may come again within a run.
fn create(run: &Path) -> Result<UndoLog, SafeguardError> {
    let process = std::process::id();
    let names = std::iter::once(format!("undo-{process}.log"));
    let names = names.chain((2..).map(|time| format!("undo-{process}-{time}.log")));
    for name in names {
        let path = run.join(name);
        match UndoLog::create(&path) {
            Ok(log) => return Ok(log),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(SafeguardError { path, source }),
        }
    }
    unreachable!("there are more numbers than files")
}

/// Sees to it that a log is watched: entered among those in use, and with a guard that lives.
struct Sentry {
    runs: PathBuf,
    log: PathBuf,
    watch: Option<Watch>,
    guard: Option<Guard>,
    is_entered: bool,
}

impl Sentry {
    fn post(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        let watch = match &self.watch {
            Some(watch) => watch,
            None => self.watch.insert(Watch::of(&self.runs, &self.log)?),
        };
        if !self.guard.as_mut().is_some_and(Guard::is_alive) {
            self.guard = Some(Guard::spawn(descriptor, &self.log, watch).map_err(io::Error::other)?);
        }
        // After the guard is there, who takes the entry out again if this process dies with nothing recorded.
        if !self.is_entered {
            watch.begin(&self.log)?;
            self.is_entered = true;
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::safety::process::{self, TRIAL_VARIABLE, tagged};
    use crate::safety::undo::UndoAction;
    use crate::safety::{InUse, in_use, victim};
    use rustix::process::{Pid, Signal, getpgid, getsid, kill_process_group};
    use std::fs;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};

    const VICTIM: &str = "safety::safeguard::tests::a_process_to_be_killed";

    /// What the victim is to do, as files in its folder.
    const ORDERLY: &str = "orderly";
    const TWICE: &str = "twice";

    fn trial_of(folder: &Path) -> String {
        folder.file_name().unwrap().to_string_lossy().into_owned()
    }

    fn run_of(folder: &Path) -> PathBuf {
        folder.join("run")
    }

    /// Starts a tree of processes, says so, and waits to be killed.
    #[test]
    #[ignore = "started by other tests as a process of its own"]
    fn a_process_to_be_killed() {
        let Some(folder) = victim::folder() else { return };
        let asked = |what: &str| folder.join(what).exists();
        let trial = trial_of(&folder);
        fs::create_dir_all(run_of(&folder)).unwrap();
        let log = undo_log(&folder, &run_of(&folder)).unwrap();
        assert!(in_use(&folder).unwrap().is_empty(), "nothing is recorded yet");
        let id = log.of_trial(&trial).record(UndoAction::KillTagged { trial: trial.clone() }).unwrap();
        let mut tree = Command::new("sh")
            .args(["-c", "sleep 1000 & trap '' TERM; sleep 1000; sleep 1000"])
            .env(TRIAL_VARIABLE, &trial)
            .process_group(0)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        victim::wait_until("the tree is up", || tagged(&trial).unwrap().len() >= 3);
        if asked(ORDERLY) {
            victim::wait_until("the tree is killed", || {
                let found = tagged(&trial).unwrap();
                for &id in &found {
                    process::signal(id, Signal::KILL).unwrap();
                }
                tree.try_wait().unwrap().is_some() && found.is_empty()
            });
            log.done(id).unwrap();
            return;
        }
        if asked(TWICE) {
            // The guard dies; what is recorded next has another.
            let first = guard(&folder);
            process::signal(process::look(first).unwrap().id, Signal::KILL).unwrap();
            let again = || undo_log(&folder, &run_of(&folder)).unwrap();
            victim::wait_until("there is another guard", || {
                let id = again().record(UndoAction::KillTagged { trial: "none".to_owned() }).unwrap();
                again().done(id).unwrap();
                in_use(&folder).unwrap()[0].guard.is_some_and(|second| second != first)
            });
        }
        fs::write(folder.join("ready"), "").unwrap();
        tree.wait().unwrap();
    }

    fn started(folder: &Path) -> std::process::Child {
        let process = victim::spawn(VICTIM, folder);
        victim::wait_until("the victim is ready", || folder.join("ready").exists());
        process
    }

    fn the_only(folder: &Path) -> InUse {
        let mut found = in_use(folder).unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    fn guard(folder: &Path) -> u32 {
        victim::wait_until("there is a guard", || the_only(folder).guard.is_some());
        the_only(folder).guard.unwrap()
    }

    fn of_process(pid: u32, file: &str) -> Vec<u8> {
        fs::read(format!("/proc/{pid}/{file}")).unwrap()
    }

    /// Whether this process has handlers for what ends a program.
    fn minds_no_signals(pid: u32) -> bool {
        let status = String::from_utf8(of_process(pid, "status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        [Signal::INT, Signal::TERM, Signal::HUP]
            .iter()
            .all(|signal| caught & (1 << (signal.as_raw() - 1)) != 0)
    }

    fn nothing_is_left(folder: &Path, trial: &str) {
        victim::wait_until("nothing of the trial is left", || tagged(trial).unwrap().is_empty());
        victim::wait_until("the watch has ended", || in_use(folder).unwrap().is_empty());
    }

    #[test]
    fn the_guard_acts_when_the_group_of_the_test_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let trial = trial_of(folder.path());
        let mut process = started(folder.path());
        let guard = guard(folder.path());
        assert!(!the_only(folder.path()).is_abandoned);
        victim::wait_until("the guard does not mind signals", || minds_no_signals(guard));
        for end in [Signal::INT, Signal::TERM, Signal::HUP] {
            process::signal(process::look(guard).unwrap().id, end).unwrap();
        }
        kill_process_group(Pid::from_child(&process), Signal::KILL).unwrap();
        process.wait().unwrap();
        nothing_is_left(folder.path(), &trial);
        let mut files = fs::read_dir(run_of(folder.path())).unwrap().map(|entry| entry.unwrap().path());
        let report = files.find(|path| path.to_string_lossy().ends_with(".guard.log")).unwrap();
        let report = fs::read_to_string(report).unwrap();
        assert!(report.ends_with("all undone\n"), "{report}");
    }

    #[test]
    fn the_guard_has_nothing_by_which_a_runner_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = victim::spawn_with(VICTIM, folder.path(), &[("RUNNER_TRACKING_ID", "github_1")]);
        victim::wait_until("the victim is ready", || folder.path().join("ready").exists());
        let guard = guard(folder.path());
        let of_guard = Pid::from_raw(i32::try_from(guard).unwrap());
        assert_eq!(getsid(of_guard).unwrap(), of_guard.unwrap(), "it leads a session");
        assert_eq!(getpgid(of_guard).unwrap(), of_guard.unwrap());
        let carries = |pid| of_process(pid, "environ").windows(18).any(|part| part == b"RUNNER_TRACKING_ID");
        assert!(carries(process.id()) && !carries(guard));
        let open: Vec<_> = fs::read_dir(format!("/proc/{guard}/fd"))
            .unwrap()
            .map(|entry| fs::read_link(entry.unwrap().path()).unwrap().to_string_lossy().into_owned())
            .collect();
        let is_known = |file: &String| {
            file == "/dev/null"
                || file.contains("/undo-")
                || file.contains("anon_inode:")
                || file.contains("pipe:")
                || file.contains("socket:")
        };
        assert!(open.iter().all(is_known), "{open:?}");
        assert_eq!(open.iter().filter(|file| *file == "/dev/null").count(), 2, "its output: {open:?}");
        process.kill().unwrap();
        process.wait().unwrap();
        nothing_is_left(folder.path(), &trial_of(folder.path()));
    }

    #[test]
    fn where_all_is_undone_the_guard_goes_without_a_word() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(ORDERLY), "").unwrap();
        let mut process = victim::spawn(VICTIM, folder.path());
        assert!(process.wait().unwrap().success());
        victim::wait_until("the watch has ended", || in_use(folder.path()).unwrap().is_empty());
        let files = fs::read_dir(run_of(folder.path())).unwrap().count();
        assert_eq!(files, 1, "only the log: no report");
    }

    #[test]
    fn a_guard_that_was_killed_is_replaced_before_the_next_entry() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(TWICE), "").unwrap();
        let mut process = started(folder.path());
        process.kill().unwrap();
        process.wait().unwrap();
        nothing_is_left(folder.path(), &trial_of(folder.path()));
    }

    #[test]
    fn a_guard_works_from_a_log_that_was_removed() {
        let folder = tempfile::tempdir().unwrap();
        let trial = trial_of(folder.path());
        let mut process = started(folder.path());
        let guard = guard(folder.path());
        fs::remove_dir_all(run_of(folder.path())).unwrap();
        fs::remove_dir_all(folder.path().join("open")).unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        victim::wait_until("nothing of the trial is left", || tagged(&trial).unwrap().is_empty());
        victim::wait_until("the guard has ended", || process::process_start_time(guard).is_none());
    }

    #[test]
    fn one_log_serves_a_process_until_its_folder_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let run = run_of(folder.path());
        fs::create_dir_all(&run).unwrap();
        let logs = || fs::read_dir(&run).unwrap().count();
        let first = undo_log(folder.path(), &run).unwrap();
        drop(undo_log(folder.path(), &run).unwrap());
        assert_eq!(logs(), 1);
        fs::remove_dir_all(&run).unwrap();
        fs::create_dir_all(&run).unwrap();
        let second = undo_log(folder.path(), &run).unwrap();
        assert_eq!(logs(), 1);
        drop((first, second));
    }

    #[test]
    fn a_place_that_takes_no_log_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("missing");
        let error = undo_log(folder.path(), &run).unwrap_err().to_string();
        assert!(error.contains(&run.display().to_string()), "{error}");
    }
}
