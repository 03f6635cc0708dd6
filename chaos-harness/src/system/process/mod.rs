//! The process backend: instances as child processes.

mod duty_cycle;
mod faults;
mod group;
mod port;
mod strays;
mod table;

use super::Ready;
use super::cut::Cut;
use super::error::{StartError, SystemError};
use super::instance::{Effect, Instance, InstanceState};
use super::log::{LogFile, LogTail, LogWatch, SHOWN_LINES};
use super::ready::Question;
use super::template::{self, Values};
use crate::fault::InstanceFault;
use crate::safety::{Mark, UndoAction, UndoId, UndoLog, Undone, kill_now};
use crate::system::{ServiceName, Variable};
use async_trait::async_trait;
use faults::Applied;
use group::ProcessGroup;
pub(crate) use port::ReservedPort;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use strays::Strays;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long an instance may take to end by itself when the trial is over.
const GRACE: Duration = Duration::from_millis(500);

/// How long a killed instance may take to be gone: it may wait for a disk.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// In how many lines an instance that has ended may say that its port was taken: a backtrace may follow.
const LAST_WORDS: usize = 200;

/// How many ports are tried when others are faster to take them.
const PORT_ATTEMPTS: u32 = 3;

/// What is needed to start an instance, any number of times.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) label: String,
    pub(super) program: PathBuf,
    /// With their placeholders.
    pub(super) arguments: Vec<String>,
    /// With their placeholders.
    pub(super) env: Vec<Variable>,
    /// The routes that placeholders may name.
    pub(super) routes: BTreeMap<ServiceName, String>,
    pub(super) ready: Ready,
    pub(super) ready_within: Duration,
    /// Put into its environment as `CHAOS_TRIAL`: a process that carries it belongs to this trial.
    pub(super) trial: String,
    /// What tells it where it lost that.
    pub(super) mark: Arc<Mark>,
    pub(super) log: LogFile,
    /// Where to write down how to end it; nowhere when it is to outlive the trial.
    pub(super) undo: UndoLog,
    pub(super) keep: bool,
    /// Ends the wait for readiness early.
    pub(super) cut: Cut,
}

/// An instance as a process group.
#[derive(Debug)]
pub(super) struct ProcessInstance {
    launch: Launch,
    port: ReservedPort,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    running: Running,
    applied: Applied,
}

/// A started process, killed when this is dropped unless it was let go.
#[derive(Debug)]
struct Running {
    group: ProcessGroup,
    /// How to end it, in the undo log.
    record: Option<UndoId>,
    /// What it started and that left its group.
    strays: Strays,
    let_go: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.let_go {
            // With what left the group; where that cannot be found, the group at least.
            drop(kill_now(self.group.id()));
            self.group.signal(Signal::KILL);
        }
    }
}

impl ProcessInstance {
    /// Starts it and waits until it is ready. Nothing is left running when this fails or is dropped half-way.
    pub(super) async fn start(launch: Launch) -> Result<Self, SystemError> {
        let failed = |cause| SystemError::start(&launch.label, cause);
        let mut attempt = 1;
        let mut port = ReservedPort::reserve(None).map_err(failed)?;
        loop {
            match launch.run(&port).await {
                Ok(running) => {
                    let state = Mutex::new(State { running, applied: Applied::default() });
                    return Ok(Self { launch, port, state });
                }
                Err(StartError::PortTaken { .. }) if attempt < PORT_ATTEMPTS => {
                    attempt += 1;
                    port = ReservedPort::reserve(Some(port.number())).map_err(failed)?;
                }
                Err(cause) => return Err(failed(cause)),
            }
        }
    }
}

impl Launch {
    /// Starts a process on this port and waits until it is ready.
    async fn run(&self, port: &ReservedPort) -> Result<Running, StartError> {
        let mut log = self.log.watch().map_err(StartError::Log)?;
        let mut running = self.spawn(port.number())?;
        match self.wait_until_ready(&running.group, port, &self.ready, &mut log).await {
            Ok(()) => {
                self.note_strays(&mut running).map_err(StartError::UndoLog)?;
                Ok(running)
            }
            Err(error) => {
                // What does not end stays in the undo log.
                if self.note_strays(&mut running).is_ok()
                    && kill(&running.group).await.is_ok()
                    && running.strays.end(&self.undo).await.is_ok()
                {
                    self.forget(&mut running).map_err(StartError::UndoLog)?;
                }
                Err(error)
            }
        }
    }

    fn spawn(&self, port: u16) -> Result<Running, StartError> {
        let values = Values { port, routes: &self.routes };
        let output = self.log.append().map_err(StartError::Log)?;
        let errors = output.try_clone().map_err(StartError::Log)?;
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments.iter().map(|argument| template::fill(argument, values)))
            .env("PORT", port.to_string())
            .envs(self.env.iter().map(|variable| (variable.name(), variable.fill(values))))
            .env("CHAOS_TRIAL", &self.trial)
            // Straight into the log file: a pipe would break when the test ends, and a kept process with it.
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        self.mark.put_on(&mut command);
        let spawned = ProcessGroup::spawn(&mut command);
        let group = spawned
            .map_err(|cause| StartError::Spawn { program: self.program.display().to_string(), cause })?;
        let mut running = Running { group, record: None, strays: Strays::default(), let_go: false };
        if !self.keep {
            let (pid, started) = (running.group.number(), running.group.started());
            let record = self.undo.record(UndoAction::KillProcess { pid, started });
            let record = *running.record.insert(record.map_err(StartError::UndoLog)?);
            // It is there already: until this was written, its tag told whose it is.
            self.undo.applied(record).map_err(StartError::UndoLog)?;
        }
        Ok(running)
    }

    /// Notes in the undo log what left the group: as long as the leader lives, it is known for its own.
    fn note_strays(&self, running: &mut Running) -> io::Result<()> {
        if self.keep { Ok(()) } else { running.strays.look(running.group.id(), &self.undo) }
    }

    /// Notes in the undo log that the process has ended.
    fn forget(&self, running: &mut Running) -> io::Result<()> {
        running.record.take().map_or(Ok(()), |record| self.undo.done(record))
    }

    async fn wait_until_ready(
        &self,
        group: &ProcessGroup,
        port: &ReservedPort,
        ready: &Ready,
        log: &mut LogWatch,
    ) -> Result<(), StartError> {
        let question = Question { ready, address: port.address(), forwarded: None };
        let mut seen = "nothing".to_owned();
        let limit = self.ready_within;
        let outcome = timeout(limit, async {
            tokio::select! {
                biased;
                status = group.wait() => Outcome::Ended(status),
                () = self.cut.happened() => Outcome::CutOff,
                () = question.until_ready(Some(log), &mut seen) => Outcome::Ready,
            }
        })
        .await;
        let log = self.log.tail(SHOWN_LINES);
        match outcome {
            Ok(Outcome::Ready) if table::listens(group.leader(), port.number()) == Some(false) => {
                Err(StartError::PortTaken { port: port.number(), log })
            }
            Ok(Outcome::Ready) => Ok(()),
            Ok(Outcome::CutOff) => Err(StartError::CutOff),
            Ok(Outcome::Ended(_)) if self.log.tail(LAST_WORDS).contains("address already in use") => {
                Err(StartError::PortTaken { port: port.number(), log })
            }
            Ok(Outcome::Ended(status)) => Err(StartError::Ended { status: group::describe(status), log }),
            Err(_) => Err(StartError::NeverReady { ready: ready.clone(), limit, seen, log }),
        }
    }
}

/// How the wait for readiness came out.
enum Outcome {
    Ready,
    Ended(ExitStatus),
    CutOff,
}

#[async_trait]
impl Instance for ProcessInstance {
    fn label(&self) -> &str {
        &self.launch.label
    }

    fn upstream(&self) -> SocketAddr {
        self.port.address()
    }

    async fn describe(&self) -> String {
        let pid = self.state.lock().await.running.group.number();
        format!("process group {pid} at {}; end it with: kill -- -{pid}", self.port.address())
    }

    fn log_tail(&self, lines: usize) -> LogTail {
        self.launch.log.tail(lines)
    }

    async fn keep(&self) {
        self.state.lock().await.running.let_go = true;
    }

    async fn observe(&self) -> Result<InstanceState, SystemError> {
        let state = self.state.lock().await;
        let group = &state.running.group;
        Ok(match group.status() {
            Some(status) => InstanceState::Ended(group::describe(status)),
            None if group.is_frozen() == Some(true) => InstanceState::Frozen,
            None => InstanceState::Running,
        })
    }

    async fn inject(&self, fault: InstanceFault) -> Result<(), SystemError> {
        self.inject_fault(fault).await
    }

    async fn effect(&self, fault: InstanceFault) -> Result<Effect, SystemError> {
        Ok(self.look_for(fault).await)
    }

    async fn undo(&self, fault: InstanceFault) -> Result<Undone, SystemError> {
        self.undo_fault(fault).await
    }

    async fn stop(&self) -> Result<(), SystemError> {
        let mut state = self.state.lock().await;
        let State { running, applied } = &mut *state;
        let group = running.group.clone();
        applied.clear(&self.launch.undo).map_err(|error| SystemError::stop(self.label(), error))?;
        let failed = |error: crate::BoxError| SystemError::stop(self.label(), error);
        self.launch.note_strays(running).map_err(|error| failed(error.into()))?;
        // A frozen process would get the request to end only when it is let go.
        group.signal(Signal::CONT);
        end(&group, GRACE).await.map_err(|error| failed(error.into()))?;
        running.strays.end(&self.launch.undo).await.map_err(failed)?;
        self.launch.forget(running).map_err(|error| failed(error.into()))
    }
}

/// Asks a group to end, and kills it when it has not after `grace`.
async fn end(group: &ProcessGroup, grace: Duration) -> io::Result<()> {
    group.signal(Signal::TERM);
    match timeout(grace, group.wait()).await {
        Ok(_) => Ok(()),
        Err(_) => kill(group).await,
    }
}

/// Kills a group, and waits until it is gone.
async fn kill(group: &ProcessGroup) -> io::Result<()> {
    group.signal(Signal::KILL);
    timeout(ENDS_WITHIN, group.wait()).await.map(drop).map_err(|_| {
        let text = format!("it has not ended within {} s of SIGKILL", ENDS_WITHIN.as_secs());
        io::Error::new(io::ErrorKind::TimedOut, text)
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[tokio::test]
    async fn a_listener_that_is_not_ours_does_not_make_a_process_ready() {
        let folder = tempfile::tempdir().unwrap();
        let launch = Launch {
            label: "shop".to_owned(),
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), "sleep 600".to_owned()],
            env: Vec::new(),
            routes: BTreeMap::new(),
            ready: Ready::Tcp,
            ready_within: Duration::from_secs(20),
            trial: format!("listener-{}", std::process::id()),
            mark: Arc::new(Mark::of_trial("listener").unwrap()),
            log: LogFile::create(folder.path(), "shop").unwrap(),
            undo: UndoLog::create(&folder.path().join("undo.log")).unwrap(),
            keep: false,
            cut: Cut::new(),
        };
        let port = ReservedPort::reserve(None).unwrap();
        let _quicker = TcpListener::bind(port.address()).unwrap();
        let outcome = launch.run(&port).await;
        assert!(matches!(outcome, Err(StartError::PortTaken { .. })), "{outcome:?}");
    }
}
