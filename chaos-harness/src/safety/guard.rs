//! The guard: a small process that undoes what the test's process cannot undo any more.
//!
//! It is this program again, started with the first thing that may have to be undone, once for each test process, in a
//! session of its own. Between the two is a pipe that nobody writes to: when it closes, the test's process is gone,
//! however it went, and the guard acts. It holds the undo log by an inherited descriptor, and with it the log's lock:
//! whoever finds a log that can be locked knows that both are gone.

use super::before_main;
use super::failpoint;
use super::lease;
use super::perform::put_right;
use super::private;
use super::process::{ProcessId, TRIAL_VARIABLE};
use super::undo::UndoLog;
use super::watch::Watch;
use crate::causes::causes;
use crate::clock;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Tells this program that it is a guard: the number of the descriptor of its undo log, and the log's watch, which may not
/// be entered yet.
const VARIABLE: &str = "CHAOS_GUARD";

/// Where the undo log is, for the guard's report beside it.
const LOG_VARIABLE: &str = "CHAOS_GUARD_LOG";

/// By these variables, runners find what a job left running when it ended or was cancelled, and kill it: the guard has to
/// outlive the job by the second that it needs.
const HANDLES: [&str; 5] = [
    "RUNNER_TRACKING_ID",
    "JENKINS_NODE_COOKIE",
    // By which the pipelines of Jenkins do it.
    "JENKINS_SERVER_COOKIE",
    "BUILD_ID",
    TRIAL_VARIABLE,
];

/// How long the test's process may take to be gone after its end of the pipe: it may have much memory to give back.
const GONE_WITHIN: Duration = Duration::from_secs(2);

/// What a guard is called in a list of processes.
const NAME: &str = "chaos-guard";

/// The guard could not be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum GuardError {
    /// This program does not know where it is.
    #[error("cannot tell which program this is, to start it again as the guard: {0}")]
    Program(io::Error),
    /// It could not be started again.
    #[error("cannot start {} again as the guard: {source}", program.display())]
    Start { program: PathBuf, source: io::Error },
}

/// The test process's end of the guard. The guard acts when it is dropped, and when this process is gone.
#[derive(Debug)]
#[must_use = "dropped, it tells the guard process to undo everything that is open"]
pub(super) struct Guard {
    child: Child,
    /// Held, and never written to.
    _pipe: Option<ChildStdin>,
}

impl Guard {
    /// Starts a guard for the undo log behind this descriptor. Does not wait until it is up: the pipe keeps what it will
    /// have to know.
    pub(super) fn spawn(log: BorrowedFd<'_>, path: &Path, watch: &Watch) -> Result<Self, GuardError> {
        let program = program().map_err(GuardError::Program)?;
        let mut orders = OsString::from(format!("{}:", log.as_raw_fd()));
        orders.push(watch.path());
        let mut command = Command::new(&program);
        command
            .arg0(NAME)
            .env(VARIABLE, orders)
            .env(LOG_VARIABLE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // It must not hold a folder that someone wants to unmount.
            .current_dir("/");
        for handle in HANDLES {
            command.env_remove(handle);
        }
        before_main::lead_session(&mut command);
        before_main::inherit(&mut command, log);
        let mut child = command.spawn().map_err(|source| GuardError::Start { program, source })?;
        failpoint::guarded_by(child.id());
        let pipe = child.stdin.take();
        Ok(Self { child, _pipe: pipe })
    }

    /// Whether it is there, to act when it must.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

/// This program, also where its file was replaced or removed since it was started.
fn program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// Whether this process is a guard.
#[cfg(feature = "failpoints")]
pub(super) fn is_this() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Turns this process into the guard it was started as, and does not return then.
pub(super) fn become_guard_if_asked() {
    // Set by someone else, to something else, it makes no guard.
    let Some((descriptor, watch)) = std::env::var_os(VARIABLE).and_then(orders) else { return };
    // Not without its log, but not as the program that it is otherwise either: that would run all of its tests.
    let Ok(log) = before_main::take_inherited(descriptor) else { std::process::exit(2) };
    let path = std::env::var_os(LOG_VARIABLE).map(PathBuf::from).unwrap_or_default();
    let all_right = keep_watch(UndoLog::adopt(log, &path), &watch);
    std::process::exit(i32::from(!all_right));
}

fn orders(value: OsString) -> Option<(RawFd, Watch)> {
    let bytes = value.into_vec();
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let descriptor = str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    Some((descriptor, Watch::resume(OsString::from_vec(bytes[colon + 1..].to_vec()))))
}

fn keep_watch(log: UndoLog, watch: &Watch) -> bool {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return false;
    };
    // What ends the test, from a terminal or from a runner, must not end the guard. A handler that does nothing is what
    // ignoring a signal comes to; should it fail, the guard has at least its own session.
    let handlers = {
        let _inside = runtime.enter();
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::pipe()]
            .map(signal)
    };
    if let Some(this) = ProcessId::this() {
        // Only to be seen: it keeps watch all the same.
        drop(log.guarded_by(this));
    }
    // Nobody writes: the end of this read is the end of the test's process.
    drop(io::stdin().lock().read(&mut [0; 1]));
    let all_right = runtime.block_on(async {
        let all_right = act(&log, watch).await;
        is_gone(log.owner()).await;
        all_right
    });
    drop(handlers);
    // What it had leave for is over once nobody holds the log, and others may wait for that. Should this fail, they see to
    // it themselves.
    drop(log);
    drop(lease::tidy(watch.runs()));
    all_right
}

/// Waits, but not for long, until the test's process has closed all that it had: the pipe may be among the first.
async fn is_gone(test: Option<ProcessId>) {
    let deadline = clock::now() + GONE_WITHIN;
    while test.is_some_and(ProcessId::is_alive) && clock::now() < deadline {
        clock::sleep(Duration::from_millis(1)).await;
    }
}

/// Undoes what is open, and says so in a file beside the log. Whether nothing is left.
async fn act(log: &UndoLog, watch: &Watch) -> bool {
    if let Err(error) = log.read_again() {
        say_in(&mut report(log), &format!("cannot read the undo log: {error}"));
        return false;
    }
    let (open, unreadable) = (log.open(), log.unreadable());
    if open.is_empty() && unreadable.is_empty() {
        watch.end();
        return true;
    }
    let mut report = report(log);
    for line in unreadable {
        say_in(&mut report, &format!("not understood in the undo log: {line}"));
    }
    for (_, action) in open.iter().rev() {
        say_in(&mut report, &format!("to do: {action}"));
    }
    let failures = put_right(log).await;
    for failure in &failures {
        say_in(&mut report, &causes(failure));
    }
    if failures.is_empty() && !log.is_for_others() {
        say_in(&mut report, "all undone");
        watch.end();
    } else if failures.is_empty() {
        say_in(&mut report, "undone, but for what was not understood");
    }
    failures.is_empty()
}

/// The guard's own report, beside the undo log. Without one it works all the same.
fn report(log: &UndoLog) -> Option<File> {
    private::create(&report_of(log.path())).ok()
}

/// Where the guard of this log reports.
pub(super) fn report_of(undo_log: &Path) -> PathBuf {
    undo_log.with_extension("guard.log")
}

fn say_in(report: &mut Option<File>, line: &str) {
    // A report that cannot be written must not keep anything from being undone.
    drop(report.as_mut().map(|report| writeln!(report, "{line}")));
}
