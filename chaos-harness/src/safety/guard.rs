//! The guard: a small process that undoes what the trial's process cannot undo any more.
//!
//! It is this program again, started before anything is done that must be undone, in a process group of its own.
//! Between the two is a pipe that nobody writes to until the end: when it closes, the trial's process is gone, however
//! it went, and the guard acts.

use super::leftovers::Watch;
use super::perform::{UndoFailure, put_right};
use super::process::TRIAL_VARIABLE;
use super::undo::UndoLog;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use tokio::signal::unix::{SignalKind, signal};

/// Tells this program that it is a guard, and of which watch.
const VARIABLE: &str = "CHAOS_GUARD";

/// What is written when there is nothing left for the guard to do.
const DISMISSED: u8 = b'q';

/// The name of the guard's own report, beside the undo log.
const REPORT: &str = "guard.log";

/// How this program gets to [`become_guard_if_asked`] when it is started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reexec {
    /// Its `main` calls it first.
    Main,
    /// It is a libtest binary, and this test calls it first.
    Libtest { test_name: String },
}

impl Reexec {
    fn arguments(&self) -> Vec<&str> {
        match self {
            Self::Main => Vec::new(),
            Self::Libtest { test_name } => vec!["--exact", test_name, "--nocapture", "--include-ignored"],
        }
    }
}

/// The guard could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GuardError {
    /// The undo log could not be entered among those that are watched.
    #[error("cannot note in {} that the undo log {} is in use", root.display(), undo_log.display())]
    Watch { root: PathBuf, undo_log: PathBuf, source: io::Error },
    /// This program does not know where it is.
    #[error("cannot tell which program this is, to start it again as the guard")]
    Program(#[source] io::Error),
    /// It could not be started again.
    #[error("cannot start {} again as the guard", program.display())]
    Start { program: PathBuf, source: io::Error },
}

/// The trial's end of the guard. Dropped without [`Guard::dismiss`], it leaves what is open to the guard process.
#[derive(Debug)]
#[must_use = "dropped, it tells the guard process to undo everything that is open"]
pub(crate) struct Guard {
    process: Option<(Child, ChildStdin)>,
    watch: Watch,
}

impl Guard {
    /// Starts a guard for this undo log, under the folder of all runs. Does not wait until it is up: the pipe keeps
    /// what it will have to know.
    pub(crate) fn spawn(root: &Path, undo_log: &Path, how: &Reexec) -> Result<Self, GuardError> {
        let watch = Watch::begin(root, undo_log).map_err(|source| GuardError::Watch {
            root: root.to_owned(),
            undo_log: undo_log.to_owned(),
            source,
        })?;
        let program = std::env::current_exe().map_err(GuardError::Program)?;
        let started = Command::new(&program)
            .args(how.arguments())
            .env(VARIABLE, watch.path())
            // Were this a process of another trial, that one's end must not take the guard away.
            .env_remove(TRIAL_VARIABLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        match started {
            Ok(mut child) => Ok(Self { process: child.stdin.take().map(|pipe| (child, pipe)), watch }),
            Err(source) => {
                watch.end();
                Err(GuardError::Start { program, source })
            }
        }
    }

    /// Sends the guard away: nothing is left for it to do.
    pub(crate) fn dismiss(mut self) {
        self.watch.end();
        if let Some((_, pipe)) = &mut self.process {
            // A guard that is gone already cannot be told, and need not be.
            drop(pipe.write_all(&[DISMISSED]));
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some((mut child, pipe)) = self.process.take() {
            drop(pipe);
            // Reaped on the side: a trial does not wait for its guard to end.
            drop(thread::Builder::new().name("chaos-guard-reaper".to_owned()).spawn(move || child.wait()));
        }
    }
}

/// Turns this process into the guard it was started as, and does not return then. To be called before anything else.
pub(crate) fn become_guard_if_asked() {
    if let Some(watch) = std::env::var_os(VARIABLE) {
        let all_right = keep_watch(watch);
        std::process::exit(i32::from(!all_right));
    }
}

fn keep_watch(watch: OsString) -> bool {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return false;
    };
    // What ends the trial, from a terminal or from a runner, must not end the guard. A handler that does nothing is
    // what ignoring a signal comes to; should it fail, the guard has at least its own process group.
    let handlers = {
        let _inside = runtime.enter();
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal)
    };
    let dismissed = matches!(io::stdin().lock().read(&mut [0; 1]), Ok(1..));
    let all_right = dismissed || runtime.block_on(act(&Watch::resume(watch)));
    drop(handlers);
    all_right
}

/// Undoes what is open, and says so in a file beside the log. Whether nothing is left.
async fn act(watch: &Watch) -> bool {
    let Ok(undo_log) = watch.undo_log() else {
        // Ended orderly, or put right by someone else.
        return true;
    };
    let mut report = File::create(undo_log.with_file_name(REPORT)).ok();
    // A report that cannot be written must not keep anything from being undone.
    let mut say = |line: String| drop(report.as_mut().map(|report| writeln!(report, "{line}")));
    let log = match UndoLog::take_over(&undo_log) {
        Ok(Some(log)) => Ok(log),
        // The trial's process lives, and has let go of its guard.
        Ok(None) => UndoLog::share(&undo_log),
        Err(error) => Err(error),
    };
    let (log, unreadable) = match log {
        Ok(log) => log,
        Err(error) => {
            say(format!("cannot read the undo log {}: {error}", undo_log.display()));
            return false;
        }
    };
    for line in unreadable {
        say(format!("not understood in the undo log: {line}"));
    }
    for (_, action) in log.open().iter().rev() {
        say(format!("to do: {action}"));
    }
    let failures = put_right(&log).await;
    for failure in &failures {
        say(describe(failure));
    }
    if failures.is_empty() {
        say("all undone".to_owned());
        watch.end();
    }
    failures.is_empty()
}

/// A failure with its causes, on one line.
fn describe(failure: &UndoFailure) -> String {
    let causes = std::iter::successors(std::error::Error::source(failure), |cause| cause.source());
    causes.fold(failure.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::process::{self, tagged};
    use crate::safety::undo::UndoAction;
    use crate::safety::victim;
    use rustix::process::{Pid, Signal, kill_process_group};

    const VICTIM: &str = "safety::guard::tests::a_process_to_be_killed";

    fn trial_of(folder: &Path) -> String {
        folder.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// Starts a guard and a tree of processes, says so, and waits to be killed.
    #[test]
    #[ignore = "started by other tests as a process of its own"]
    fn a_process_to_be_killed() {
        become_guard_if_asked();
        let Some(folder) = victim::folder() else { return };
        let trial = trial_of(&folder);
        let run = folder.join("run/trial");
        std::fs::create_dir_all(&run).unwrap();
        let log = UndoLog::create(&run.join("undo.log")).unwrap();
        let guard =
            Guard::spawn(&folder, &run.join("undo.log"), &Reexec::Libtest { test_name: VICTIM.to_owned() })
                .unwrap();
        let guard_pid = guard.process.as_ref().unwrap().0.id();
        std::fs::write(folder.join("guard_pid"), guard_pid.to_string()).unwrap();
        let id = log.record(UndoAction::KillTagged { trial: trial.clone() }).unwrap();
        let mut tree = Command::new("sh")
            .args(["-c", "sleep 1000 & trap '' TERM; sleep 1000; sleep 1000"])
            .env(TRIAL_VARIABLE, &trial)
            .process_group(0)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        if folder.join("orderly").exists() {
            victim::wait_until("the tree is killed", || {
                let found = tagged(&trial).unwrap();
                for &pid in &found {
                    process::signal(pid, Signal::KILL).unwrap();
                }
                tree.try_wait().unwrap().is_some() && found.is_empty()
            });
            log.done(id).unwrap();
            guard.dismiss();
            return;
        }
        victim::wait_until("the tree is up", || tagged(&trial).unwrap().len() >= 3);
        std::fs::write(folder.join("ready"), "").unwrap();
        tree.wait().unwrap();
    }

    fn no_watch_is_left(folder: &Path) -> bool {
        std::fs::read_dir(folder.join("open")).unwrap().next().is_none()
    }

    /// Whether this process has handlers for what ends a program.
    #[cfg(target_os = "linux")]
    fn minds_no_signals(pid: u32) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        [Signal::INT, Signal::TERM, Signal::HUP]
            .iter()
            .all(|signal| caught & (1 << (signal.as_raw() - 1)) != 0)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_guard_acts_when_the_group_of_the_trial_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let trial = trial_of(folder.path());
        let mut trial_process = victim::spawn(VICTIM, folder.path());
        victim::wait_until("the victim is ready", || folder.path().join("ready").exists());
        assert!(!no_watch_is_left(folder.path()));

        let guard_pid = std::fs::read_to_string(folder.path().join("guard_pid")).unwrap().parse().unwrap();
        victim::wait_until("the guard does not mind signals", || minds_no_signals(guard_pid));
        for end in [Signal::INT, Signal::TERM, Signal::HUP] {
            process::signal(guard_pid, end).unwrap();
        }
        kill_process_group(Pid::from_child(&trial_process), Signal::KILL).unwrap();
        trial_process.wait().unwrap();
        victim::wait_until("nothing of the trial is left", || tagged(&trial).unwrap().is_empty());
        victim::wait_until("the watch has ended", || no_watch_is_left(folder.path()));
        let run = folder.path().join("run/trial");
        assert_eq!(UndoLog::open_entries(&run.join("undo.log")).unwrap().entries, []);
        let report = std::fs::read_to_string(run.join(REPORT)).unwrap();
        assert!(report.ends_with("all undone\n"), "{report}");
    }

    #[test]
    fn a_dismissed_guard_does_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("orderly"), "").unwrap();
        let mut trial_process = victim::spawn(VICTIM, folder.path());
        assert!(trial_process.wait().unwrap().success());
        assert!(no_watch_is_left(folder.path()));
        assert!(!folder.path().join("run/trial").join(REPORT).exists());
    }
}
