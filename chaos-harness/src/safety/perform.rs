//! Undoing: what the entries of an undo log ask for, done.

#[cfg(feature = "docker")]
use super::containers;
use super::process::{process_start_time, signal, signal_group, tagged};
use super::undo::{UndoAction, UndoLog};
use crate::clock;
use rustix::process::Signal;
use std::io;
use std::time::Duration;

/// How long one entry may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Between two looks at whether something is gone.
const POLL: Duration = Duration::from_millis(10);

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
    /// The container engine refused.
    #[cfg(feature = "docker")]
    #[error(transparent)]
    Engine(#[from] containers::EngineError),
    /// The Toxiproxy server refused.
    #[cfg(feature = "external-toxiproxy")]
    #[error(transparent)]
    Toxiproxy(#[from] crate::toxiproxy::CallError),
    /// It took too long.
    #[error("not done within {} s", LIMIT.as_secs())]
    TimedOut,
    /// This build or platform cannot do it, so it cannot have been done by it either.
    #[cfg_attr(
        all(feature = "docker", feature = "external-toxiproxy", target_os = "linux"),
        expect(dead_code, reason = "this build can do it all")
    )]
    #[error("{0}")]
    Unsupported(&'static str),
}

/// Undoes what is open, newest first, and marks it done. One failure does not keep the rest from being undone.
pub(crate) async fn put_right(log: &UndoLog) -> Vec<UndoFailure> {
    let mut failures = Vec::new();
    for (id, action) in log.open().into_iter().rev() {
        match perform(&action).await {
            // A mark that cannot be written costs a second undo, which is harmless.
            Ok(()) => drop(log.done(id)),
            Err(error) => failures.push(UndoFailure { action, error }),
        }
    }
    failures
}

/// Undoes one thing. It is a success when the thing is gone already.
pub(crate) async fn perform(action: &UndoAction) -> Result<(), UndoError> {
    tokio::time::timeout(LIMIT, attempt(action)).await.unwrap_or(Err(UndoError::TimedOut))
}

async fn attempt(action: &UndoAction) -> Result<(), UndoError> {
    match action {
        UndoAction::KillTagged { trial } => kill_tagged(trial).await,
        &UndoAction::KillProcess { pid, started } => kill_one(pid, started).await,
        &UndoAction::ResumeProcess { pid, started } => {
            if process_start_time(pid) == Some(started) {
                signal(pid, Signal::CONT)?;
            }
            Ok(())
        }
        &UndoAction::RestoreAddressSpace { pid, started, soft, hard } => {
            if process_start_time(pid) == Some(started) {
                restore_address_space(pid, soft, hard)?;
            }
            Ok(())
        }
        #[cfg(feature = "docker")]
        UndoAction::RemoveContainers { trial } => Ok(containers::remove_all(trial).await?),
        #[cfg(feature = "docker")]
        UndoAction::UnpauseContainer { id } => Ok(containers::unpause(id).await?),
        #[cfg(feature = "docker")]
        UndoAction::RestoreCpuQuota { id, quota, period } => {
            Ok(containers::restore_cpu_quota(id, *quota, *period).await?)
        }
        #[cfg(feature = "external-toxiproxy")]
        UndoAction::DeleteProxy { server, name } => Ok(crate::toxiproxy::delete(*server, name).await?),
        #[cfg(not(feature = "external-toxiproxy"))]
        UndoAction::DeleteProxy { .. } => {
            Err(UndoError::Unsupported("built without the feature `external-toxiproxy`"))
        }
        #[cfg(not(feature = "docker"))]
        UndoAction::RemoveContainers { .. }
        | UndoAction::UnpauseContainer { .. }
        | UndoAction::RestoreCpuQuota { .. } => {
            Err(UndoError::Unsupported("built without the feature `docker`"))
        }
    }
}

/// Kills what is left of a trial whose services this process has ended: whatever left their process groups.
///
/// Nothing is being started any more, so that one look at which nothing is found is enough.
pub(crate) async fn kill_strays(trial: &str) -> Result<(), UndoError> {
    tokio::time::timeout(LIMIT, kill_until_clean(trial, 1)).await.unwrap_or(Err(UndoError::TimedOut))
}

async fn kill_tagged(trial: &str) -> Result<(), UndoError> {
    // A child has its tag only once it has called exec, so that one look can miss a process that is being started.
    kill_until_clean(trial, 2).await
}

/// Kills what carries the tag of `trial` until nothing was found so many times in a row.
async fn kill_until_clean(trial: &str, looks: u32) -> Result<(), UndoError> {
    let mut clean_looks = 0;
    while clean_looks < looks {
        let found = tagged(trial)?;
        clean_looks = if found.is_empty() { clean_looks + 1 } else { 0 };
        for pid in found {
            signal(pid, Signal::KILL)?;
        }
        if clean_looks < looks {
            clock::sleep(POLL).await;
        }
    }
    Ok(())
}

async fn kill_one(pid: u32, started: u64) -> Result<(), UndoError> {
    while process_start_time(pid) == Some(started) {
        signal_group(pid, Signal::KILL)?;
        signal(pid, Signal::KILL)?;
        clock::sleep(POLL).await;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn restore_address_space(pid: u32, soft: Option<u64>, hard: Option<u64>) -> Result<(), UndoError> {
    use super::process::{addressable, gone_is_fine};
    use rustix::process::{Resource, Rlimit, prlimit};

    let limit = Rlimit { current: soft, maximum: hard };
    gone_is_fine(prlimit(Some(addressable(pid)?), Resource::As, limit).map(drop))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn restore_address_space(_: u32, _: Option<u64>, _: Option<u64>) -> Result<(), UndoError> {
    Err(UndoError::Unsupported("limits of other processes are set on Linux only"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::process::TRIAL_VARIABLE;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::{Child, Command, Stdio};

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("1000").stdin(Stdio::null());
        command
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
        perform(&UndoAction::KillTagged { trial: trial.clone() }).await.unwrap();
        assert_eq!(tree.wait().unwrap().signal(), Some(9));
        assert_eq!(tagged(&trial).unwrap(), [] as [u32; 0]);
        assert_eq!(other.try_wait().unwrap(), None);
        other.kill().unwrap();
        other.wait().unwrap();
        perform(&UndoAction::KillTagged { trial }).await.expect("twice is harmless");
    }

    #[tokio::test]
    async fn a_process_is_killed_with_its_group_and_a_later_one_of_its_number_is_not() {
        let mut child = sleeper().process_group(0).spawn().unwrap();
        let pid = child.id();
        let mut member =
            sleeper().process_group(i32::try_from(pid).unwrap()).spawn().expect("the group is there");
        let started = started(&child);

        perform(&UndoAction::KillProcess { pid, started: started + 1 }).await.unwrap();
        assert_eq!(child.try_wait().unwrap(), None);

        perform(&UndoAction::KillProcess { pid, started }).await.unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert_eq!(member.wait().unwrap().signal(), Some(9));
        perform(&UndoAction::KillProcess { pid, started }).await.expect("it is gone");
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
        signal(pid, Signal::STOP).unwrap();
        crate::safety::victim::wait_until("the process is stopped", || status(pid).contains("T (stopped)"));

        let restore =
            UndoAction::RestoreAddressSpace { pid, started, soft: before.current, hard: before.maximum };
        perform(&restore).await.unwrap();
        let resume = UndoAction::ResumeProcess { pid, started };
        perform(&resume).await.unwrap();
        crate::safety::victim::wait_until("the process goes on", || !status(pid).contains("T (stopped)"));
        assert_eq!(prlimit(Some(target), Resource::As, before).unwrap(), before);

        child.kill().unwrap();
        child.wait().unwrap();
        perform(&restore).await.expect("it is gone");
        perform(&resume).await.expect("it is gone");
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

    #[cfg(feature = "external-toxiproxy")]
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
        perform(&action).await.unwrap();
        assert!(embedded.table().get("ours").is_none() && embedded.table().get("ours-2").is_some());
        perform(&action).await.expect("it is gone");
        drop((api, embedded));
        perform(&action).await.expect("its server is gone too");
    }
}
