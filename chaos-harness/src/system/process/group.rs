//! A process group that this run started: its leader, and all that the leader starts.

use super::table;
use crate::clock;
use crate::safety::{ProcessId, process_start_time};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::watch;

/// How long the rest of a group may take to be gone once it was killed.
const GONE_WITHIN: Duration = Duration::from_secs(1);

/// A started group. It ends with its leader: what the leader leaves behind in the group is killed.
///
/// Signals are safe from reused process numbers: the leader's end is noticed without reaping it, and reaped only under
/// the lock that every signal takes.
#[derive(Debug, Clone)]
pub(super) struct ProcessGroup {
    leader: Pid,
    started: u64,
    alive: Arc<Mutex<bool>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl ProcessGroup {
    /// Starts `command` in a group of its own.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut child = command.process_group(0).spawn()?;
        let leader = Pid::from_child(&child);
        let alive = Arc::new(Mutex::new(true));
        let (end, ended) = watch::channel(None);
        let gate = Arc::clone(&alive);
        // A thread, not a task: it must go on when the runtime is gone, and a blocking task would hold that up.
        let reaper = thread::Builder::new().name("chaos-reaper".to_owned());
        let group = Self {
            leader,
            // It cannot have been reaped yet. Where it is dead already, no process was ever started at zero.
            started: process_start_time(leader.as_raw_nonzero().get().unsigned_abs()).unwrap_or_default(),
            alive,
            ended,
        };
        // The child is the closure's: should there be no thread, it is lost, so it is killed first.
        match reaper.spawn(move || reap(&mut child, leader, &gate, &end)) {
            Ok(_) => Ok(group),
            Err(error) => {
                group.signal(Signal::KILL);
                Err(error)
            }
        }
    }

    pub(super) fn leader(&self) -> Pid {
        self.leader
    }

    pub(super) fn number(&self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    pub(super) fn started(&self) -> u64 {
        self.started
    }

    /// Its leader, and no later process of the same number.
    pub(super) fn id(&self) -> ProcessId {
        ProcessId { pid: self.number(), started: self.started }
    }

    /// Sends a signal to the whole group; `false` when it has ended.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        *alive && kill_process_group(self.leader, signal).is_ok()
    }

    /// How it ended, if it has.
    pub(super) fn status(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    /// Waits for its end.
    pub(super) async fn wait(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(status) => (*status).unwrap_or_default(),
            // The reaper is gone, and it goes last.
            Err(_) => ExitStatus::default(),
        }
    }

    /// Whether every process of the group is frozen; unknown where the system does not say.
    pub(super) fn is_frozen(&self) -> Option<bool> {
        let states = table::states(self.leader)?;
        Some(!states.is_empty() && states.iter().all(|state| matches!(state, 'T' | 't')))
    }
}

fn reap(child: &mut Child, leader: Pid, gate: &Mutex<bool>, end: &watch::Sender<Option<ExitStatus>>) {
    let without_reaping = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(leader), without_reaping), Err(rustix::io::Errno::INTR)) {}
    let mut alive = gate.lock().unwrap_or_else(PoisonError::into_inner);
    // The leader is not reaped yet, so the group's number is still its own.
    let _ = kill_process_group(leader, Signal::KILL);
    // Those that were killed with it may hold its sockets a little longer than it does.
    let deadline = clock::now() + GONE_WITHIN;
    while table::states(leader).is_some_and(|states| !states.is_empty()) && clock::now() < deadline {
        clock::block_until(clock::now() + Duration::from_millis(1));
    }
    let status = child.wait();
    *alive = false;
    drop(alive);
    end.send_replace(Some(status.unwrap_or_default()));
}

/// How a process ended, in words.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(9)) => "killed (SIGKILL)".to_owned(),
        (None, Some(15)) => "ended by SIGTERM".to_owned(),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_group_ends_with_its_leader_and_all_it_started() {
        // The leader waits for a child that is in the same group, so killing the leader alone would leave it behind.
        let group = ProcessGroup::spawn(Command::new("sh").args(["-c", "sleep 600 & wait"])).unwrap();
        assert_eq!(group.status(), None);
        assert!(group.signal(Signal::TERM));
        assert_eq!(group.wait().await.signal(), Some(15));
        if cfg!(target_os = "linux") {
            assert_eq!(table::members(group.leader()), []);
        }
        assert!(!group.signal(Signal::KILL), "there is nothing left to signal");
    }

    #[tokio::test]
    async fn the_exit_status_is_kept() {
        let group = ProcessGroup::spawn(Command::new("sh").args(["-c", "exit 3"])).unwrap();
        assert_eq!(describe(group.wait().await), "exit status 3");
        assert_eq!(group.status().and_then(|status| status.code()), Some(3));
    }
}
