//! Undoing: what the entries of an undo log ask for, done.
//!
//! Newest first wherever two entries are about the same thing. What is independent goes side by side, so that one that
//! hangs holds up nothing else.

#[cfg(feature = "docker")]
use super::containers::{self, Harm, Looks, OwnContainer};
use super::fallback::{Forced, Stuck, Undone};
use super::process::{self, ProcessId, tagged};
use super::processes::{self, OwnProcess};
use super::tree;
use super::undo::{UndoAction, UndoId, UndoLog};
use crate::clock;
use crate::toxiproxy;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long everything that a log asks for may take together. What is not done by then stays open.
const ALL_WITHIN: Duration = Duration::from_secs(30);

/// How long the entry of a kind that has no time limits of its own may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Something that could not be undone. It stays open in the log.
#[derive(Debug, thiserror::Error)]
#[error("could not {action}")]
pub(crate) struct UndoFailure {
    pub(crate) action: UndoAction,
    #[source]
    pub(crate) error: UndoError,
}

/// Why something could not be undone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UndoError {
    /// The operating system refused.
    #[error(transparent)]
    System(#[from] io::Error),
    /// No way to undo it led there.
    #[error(transparent)]
    Stuck(#[from] Stuck),
    /// The container engine refused.
    #[cfg(feature = "docker")]
    #[error(transparent)]
    Engine(#[from] containers::EngineError),
    /// The Toxiproxy server refused.
    #[error(transparent)]
    Toxiproxy(#[from] toxiproxy::CallError),
    /// It took too long.
    #[error("not done within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// This build cannot do it: another one did what is to be undone.
    #[cfg_attr(feature = "docker", expect(dead_code, reason = "this build can do it all"))]
    #[error("{0}")]
    Unsupported(&'static str),
}

/// What came of undoing.
#[derive(Debug, Default)]
pub(crate) struct PutRight {
    /// What was undone only by force, and so destroyed.
    pub(crate) forced: Vec<Forced>,
    /// What could not be undone, newest first.
    pub(crate) failures: Vec<UndoFailure>,
}

/// Undoes what is open, and marks it done; what could not be undone. See [`put_all_right`].
pub(crate) async fn put_right(log: &UndoLog) -> Vec<UndoFailure> {
    put_all_right(log).await.failures
}

/// Undoes what is open, and marks it done: within 30 s, and what is about the same thing newest first. One failure does
/// not keep the rest from being undone.
pub(crate) async fn put_all_right(log: &UndoLog) -> PutRight {
    let deadline = clock::now() + ALL_WITHIN;
    let mut outcome = PutRight::default();
    // Once more what failed: what kept it from being undone may be gone by now, as a server that did not answer is with its
    // container.
    for _ in 0..2 {
        let mut lanes: BTreeMap<Lane, Vec<(UndoId, UndoAction)>> = BTreeMap::new();
        for (id, action) in log.open().into_iter().rev() {
            lanes.entry(lane(&action)).or_default().push((id, action));
        }
        let lanes = lanes.into_values().map(|lane| put_lane_right(log, lane, deadline));
        let mut failures = Vec::new();
        for (forced, failed) in join_all(lanes).await {
            outcome.forced.extend(forced);
            failures.extend(failed);
        }
        failures.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        outcome.failures = failures.into_iter().map(|(_, failure)| failure).collect();
        // A second try without any time would only say that it had none.
        if outcome.failures.is_empty() || clock::now() >= deadline {
            break;
        }
    }
    outcome
}

/// What an entry is about. Entries of one lane are undone one after the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    ProcessesOf(String),
    Process(u32, u64),
    ContainersOf(String),
    Container(String),
    Proxy(SocketAddr, String),
}

fn lane(action: &UndoAction) -> Lane {
    match action {
        UndoAction::KillTagged { trial } => Lane::ProcessesOf(trial.clone()),
        UndoAction::KillProcess { pid, started }
        | UndoAction::ResumeProcess { pid, started }
        | UndoAction::RestoreAddressSpace { pid, started, .. } => Lane::Process(*pid, *started),
        // Not behind what was done to single ones: those go too.
        UndoAction::RemoveContainers { trial, .. } => Lane::ContainersOf(trial.clone()),
        UndoAction::UnpauseContainer { id, .. } | UndoAction::RestoreCpuQuota { id, .. } => {
            Lane::Container(id.clone())
        }
        UndoAction::DeleteProxy { server, name } => Lane::Proxy(*server, name.clone()),
    }
}

async fn put_lane_right(
    log: &UndoLog,
    lane: Vec<(UndoId, UndoAction)>,
    deadline: Instant,
) -> (Vec<Forced>, Vec<(UndoId, UndoFailure)>) {
    let (mut forced, mut failures) = (Vec::new(), Vec::new());
    for (id, action) in lane {
        match perform_by(&action, deadline).await {
            Ok(undone) => {
                // A mark that cannot be written costs a second undo, which is harmless.
                drop(log.done(id));
                if let Undone::ByForce(one) = undone {
                    forced.push(one);
                }
            }
            Err(error) => failures.push((id, UndoFailure { action, error })),
        }
    }
    (forced, failures)
}

/// Undoes one thing. It is a success when the thing is gone already.
#[cfg_attr(
    not(any(test, all(feature = "docker", feature = "external-toxiproxy"))),
    expect(dead_code, reason = "only a server in a container is removed by itself")
)]
pub(crate) async fn perform(action: &UndoAction) -> Result<Undone, UndoError> {
    perform_by(action, clock::now() + ALL_WITHIN).await
}

async fn perform_by(action: &UndoAction, deadline: Instant) -> Result<Undone, UndoError> {
    let limit = limit(action).min(deadline.saturating_duration_since(clock::now()));
    tokio::time::timeout(limit, attempt(action)).await.unwrap_or(Err(UndoError::TimedOut(limit)))
}

/// How long an entry may take. Those that have ladders, or several calls with time limits, take what these come to.
fn limit(action: &UndoAction) -> Duration {
    match action {
        UndoAction::KillTagged { .. } | UndoAction::KillProcess { .. } | UndoAction::DeleteProxy { .. } => {
            LIMIT
        }
        UndoAction::ResumeProcess { .. }
        | UndoAction::RestoreAddressSpace { .. }
        | UndoAction::RemoveContainers { .. }
        | UndoAction::UnpauseContainer { .. }
        | UndoAction::RestoreCpuQuota { .. } => ALL_WITHIN,
    }
}

async fn attempt(action: &UndoAction) -> Result<Undone, UndoError> {
    match action {
        UndoAction::KillTagged { trial } => kill_tagged(trial).await?,
        &UndoAction::KillProcess { pid, started } => kill_one(ProcessId { pid, started }).await?,
        &UndoAction::ResumeProcess { pid, started } => {
            let process = OwnProcess(ProcessId { pid, started });
            return Ok(process.put_right(processes::Harm::Stopped).await?);
        }
        &UndoAction::RestoreAddressSpace { pid, started, soft, hard } => {
            let harm = processes::Harm::Limited { soft, hard };
            return Ok(OwnProcess(ProcessId { pid, started }).put_right(harm).await?);
        }
        #[cfg(feature = "docker")]
        UndoAction::RemoveContainers { engine, trial } => {
            containers::remove_all(engine, trial, Looks::Two).await?;
        }
        #[cfg(feature = "docker")]
        UndoAction::UnpauseContainer { engine, id, trial } => {
            let engine = containers::connect(engine)?;
            return Ok(OwnContainer { engine: &engine, id, trial }.put_right(Harm::Paused).await?);
        }
        #[cfg(feature = "docker")]
        UndoAction::RestoreCpuQuota { engine, id, trial, quota, period } => {
            let harm = Harm::Starved { quota: *quota, period: *period };
            let engine = containers::connect(engine)?;
            return Ok(OwnContainer { engine: &engine, id, trial }.put_right(harm).await?);
        }
        UndoAction::DeleteProxy { server, name } => toxiproxy::delete(*server, name).await?,
        #[cfg(not(feature = "docker"))]
        UndoAction::RemoveContainers { .. }
        | UndoAction::UnpauseContainer { .. }
        | UndoAction::RestoreCpuQuota { .. } => {
            return Err(UndoError::Unsupported("built without the feature `docker`"));
        }
    }
    Ok(Undone::AsMeant)
}

/// Kills what is left of a trial whose services this process has ended: whatever left their process groups.
///
/// Nothing is being started any more, so that one look at which nothing is found is enough.
pub(crate) async fn kill_strays(trial: &str) -> Result<(), UndoError> {
    tokio::time::timeout(LIMIT, kill_until_clean(trial, 1)).await.unwrap_or(Err(UndoError::TimedOut(LIMIT)))
}

async fn kill_tagged(trial: &str) -> Result<(), UndoError> {
    // A child has its tag only once it has called exec, so that one look can miss a process that is being started.
    kill_until_clean(trial, 2).await
}

/// Kills what carries the tag of `trial` until nothing was found so many times in a row.
async fn kill_until_clean(trial: &str, looks: u32) -> Result<(), UndoError> {
    Ok(tree::kill(looks, || tagged(trial)).await?)
}

/// Kills a process with its group and all that came of it, and waits until they are gone.
pub(crate) async fn kill_with_all(id: ProcessId) -> Result<(), UndoError> {
    let killed = tokio::time::timeout(LIMIT, kill_one(id)).await;
    Ok(killed.map_err(|_| UndoError::TimedOut(LIMIT))??)
}

/// Kills a process with its group and all that came of it, and waits until they are gone: without end, whoever asks has a
/// time limit.
pub(super) async fn kill_one(id: ProcessId) -> io::Result<()> {
    process::addressable(id.pid)?;
    tree::kill(1, || Ok(if id.is_alive() { vec![id] } else { Vec::new() })).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::process::{TRIAL_VARIABLE, process_start_time, signal};
    use rustix::process::Signal;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::{Child, Command, Stdio};

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("1000").stdin(Stdio::null());
        command
    }

    /// Undoes it, once or once more.
    async fn as_meant(action: &UndoAction) {
        assert_eq!(perform(action).await.unwrap(), Undone::AsMeant);
    }

    fn started(child: &Child) -> u64 {
        process_start_time(child.id()).expect("it runs")
    }

    fn unique(name: &str) -> String {
        format!("{name}-{}", std::process::id())
    }

    #[tokio::test]
    async fn every_process_with_the_tag_is_killed_and_no_other() {
        let trial = unique("tagged");
        let mut tree = Command::new("sh")
            .args(["-c", "sleep 1000 & exec sleep 1000"])
            .env(TRIAL_VARIABLE, &trial)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut other = sleeper().env(TRIAL_VARIABLE, format!("{trial}-2")).spawn().unwrap();
        as_meant(&UndoAction::KillTagged { trial: trial.clone() }).await;
        assert_eq!(tree.wait().unwrap().signal(), Some(9));
        assert_eq!(tagged(&trial).unwrap(), []);
        assert_eq!(other.try_wait().unwrap(), None);
        other.kill().unwrap();
        other.wait().unwrap();
        as_meant(&UndoAction::KillTagged { trial }).await; // Twice is harmless.
    }

    #[tokio::test]
    async fn a_process_is_killed_with_its_group_and_a_later_one_of_its_number_is_not() {
        let mut child = sleeper().process_group(0).spawn().unwrap();
        let pid = child.id();
        let mut member =
            sleeper().process_group(i32::try_from(pid).unwrap()).spawn().expect("the group is there");
        let started = started(&child);

        as_meant(&UndoAction::KillProcess { pid, started: started + 1 }).await;
        assert_eq!(child.try_wait().unwrap(), None);

        as_meant(&UndoAction::KillProcess { pid, started }).await;
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert_eq!(member.wait().unwrap().signal(), Some(9));
        as_meant(&UndoAction::KillProcess { pid, started }).await; // It is gone.
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_stopped_process_goes_on_with_its_limits_restored() {
        use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

        let status = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let mut child = sleeper().spawn().unwrap();
        let (pid, started) = (child.id(), started(&child));
        let target = Pid::from_child(&child);
        let before = getrlimit(Resource::As);
        prlimit(Some(target), Resource::As, Rlimit { current: Some(1 << 40), ..before }).unwrap();
        signal(ProcessId { pid, started }, Signal::STOP).unwrap();
        crate::safety::victim::wait_until("the process is stopped", || status(pid).contains("T (stopped)"));

        let restore =
            UndoAction::RestoreAddressSpace { pid, started, soft: before.current, hard: before.maximum };
        as_meant(&restore).await;
        let resume = UndoAction::ResumeProcess { pid, started };
        as_meant(&resume).await;
        crate::safety::victim::wait_until("the process goes on", || !status(pid).contains("T (stopped)"));
        assert_eq!(prlimit(Some(target), Resource::As, before).unwrap(), before);

        child.kill().unwrap();
        child.wait().unwrap();
        as_meant(&restore).await; // It is gone.
        as_meant(&resume).await; // It is gone.
    }

    /// Containers are asked for where they were made, wherever the engine of this process is.
    #[cfg(feature = "docker")]
    #[tokio::test]
    async fn an_engine_that_is_not_there_proves_nothing() {
        let engine = crate::engine_address::EngineAddress::Unix("/nonexistent/docker.sock".into());
        for action in [
            UndoAction::RemoveContainers { engine: engine.clone(), trial: unique("nowhere") },
            UndoAction::UnpauseContainer { engine, id: "0123".to_owned(), trial: unique("nowhere") },
        ] {
            let error = perform(&action).await.unwrap_err();
            assert!(error.to_string().contains("/nonexistent/docker.sock"), "{error}");
        }
    }

    #[tokio::test]
    async fn entries_are_undone_newest_first_and_those_that_fail_stay_open() {
        let folder = tempfile::tempdir().unwrap();
        let log = UndoLog::create(&folder.path().join("undo.log")).unwrap();
        let mut child = sleeper().spawn().unwrap();
        let init = process_start_time(1).expect("every machine has one");
        let older = UndoAction::KillProcess { pid: 1, started: init };
        let newer = UndoAction::ResumeProcess { pid: 1, started: init };
        log.record(older.clone()).unwrap();
        log.record(UndoAction::KillProcess { pid: child.id(), started: started(&child) }).unwrap();
        log.record(newer.clone()).unwrap();

        let failures = put_right(&log).await;
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        let failed: Vec<_> = failures.into_iter().map(|failure| failure.action).collect();
        assert_eq!(failed, [newer.clone(), older.clone()]);
        assert_eq!(log.open().into_iter().map(|(_, action)| action).collect::<Vec<_>>(), [older, newer]);
    }

    /// A server that accepts and never answers costs its own time limit, once for all of its proxies.
    #[tokio::test]
    async fn what_hangs_holds_up_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let log = UndoLog::create(&folder.path().join("undo.log")).unwrap();
        let mut child = sleeper().spawn().unwrap();
        let hung = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = hung.local_addr().unwrap();
        log.record(UndoAction::KillProcess { pid: child.id(), started: started(&child) }).unwrap();
        for number in 0..8 {
            log.record(UndoAction::DeleteProxy { server, name: number.to_string() }).unwrap();
        }
        let began = clock::now();
        let failures = put_right(&log).await;
        assert!(clock::now() - began < Duration::from_secs(29), "one after the other they take 40 s");
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert_eq!(failures.len(), 8);
        assert!(
            matches!(&failures[0].action, UndoAction::DeleteProxy { name, .. } if name == "7"),
            "newest first"
        );
        // The next one finds the server gone, and all with it.
        drop(hung);
        assert!(put_right(&log).await.is_empty() && log.open().is_empty());
    }

    #[tokio::test]
    async fn a_proxy_of_another_server_is_deleted_and_its_neighbours_are_not() {
        use crate::Seed;
        use crate::proxy::{ApiOptions, Proxy, RouteSpec};

        let embedded = Proxy::start(Seed::new(1)).unwrap();
        let listen = "127.0.0.1:0".to_owned();
        let api = embedded.serve_api(ApiOptions { listen, ..ApiOptions::default() }).unwrap();
        for name in ["ours", "ours-2"] {
            embedded.table().open(RouteSpec::new(name, "127.0.0.1:0", "127.0.0.1:1")).unwrap();
        }
        let action = UndoAction::DeleteProxy { server: api.address(), name: "ours".to_owned() };
        as_meant(&action).await;
        assert!(embedded.table().get("ours").is_none() && embedded.table().get("ours-2").is_some());
        as_meant(&action).await; // It is gone.
        drop((api, embedded));
        as_meant(&action).await; // Its server is gone too.
    }
}
