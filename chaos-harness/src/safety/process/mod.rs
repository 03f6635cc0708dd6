//! Processes of this machine: which one a number means, which ones carry a tag, and which are related.

#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod platform;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;

use super::mark;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use std::io;

/// The variable that every process of a trial carries in its environment.
pub(crate) const TRIAL_VARIABLE: &str = "CHAOS_TRIAL";

/// A process, and no later one of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pub(crate) pid: u32,
    /// As [`process_start_time`] tells it.
    pub(crate) started: u64,
}

impl ProcessId {
    /// This process.
    pub(crate) fn this() -> Option<Self> {
        let pid = std::process::id();
        Some(Self { pid, started: process_start_time(pid)? })
    }

    /// Whether it is there.
    pub(crate) fn is_alive(self) -> bool {
        process_start_time(self.pid) == Some(self.started)
    }
}

/// A process, and its place among the others. One that is dead and only waits to be reaped is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    /// As the system's `ps` has it: one letter.
    pub(crate) state: char,
}

impl Process {
    /// Whether it does nothing until it is let go on.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }
}

/// Every process that there is now.
pub(crate) fn all() -> io::Result<Vec<Process>> {
    platform::all()
}

/// The process of this number, if there is one.
pub(crate) fn look(pid: u32) -> Option<Process> {
    platform::look(pid)
}

/// When the process of this number was started, as an opaque value that tells it from a later process of the same
/// number. `None` when there is none, or when it is dead and only waits to be reaped.
pub(crate) fn process_start_time(pid: u32) -> Option<u64> {
    look(pid).map(|process| process.id.started)
}

/// What tells this start of the machine from the next.
pub(super) fn boot_id() -> Option<String> {
    platform::boot_id()
}

/// What a container has of its own, so that the same number means another thing in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Namespace {
    /// The numbers of processes.
    Processes,
    /// Addresses, loopback's too, and ports.
    Network,
}

/// What tells this process's namespace from others, where there are any.
pub(super) fn namespace(kind: Namespace) -> Option<u64> {
    platform::namespace(kind)
}

/// Whether it is known that no process is in this namespace any more.
pub(super) fn is_namespace_over(kind: Namespace, namespace: u64) -> bool {
    platform::is_namespace_over(kind, namespace)
}

/// The processes, other than this one, that carry the tag of `trial` in their environment, or its mark.
pub(super) fn tagged(trial: &str) -> io::Result<Vec<ProcessId>> {
    let this = std::process::id();
    let mut found = platform::tagged(&format!("{TRIAL_VARIABLE}={trial}"), &mark::name(trial))?;
    found.retain(|id| id.pid != this);
    Ok(found)
}

/// Signals one process, and no later one of its number. One that is gone is no error.
pub(super) fn signal(id: ProcessId, signal: Signal) -> io::Result<()> {
    platform::signal(id, addressable(id.pid)?, signal)
}

/// Signals the process group that this process leads, where it leads one.
pub(super) fn signal_group(pid: u32, signal: Signal) -> io::Result<()> {
    gone_is_fine(kill_process_group(addressable(pid)?, signal))
}

/// 0 and 1 are not processes that anyone started: to `kill` they mean the caller's own group, and everything.
pub(super) fn addressable(pid: u32) -> io::Result<Pid> {
    i32::try_from(pid).ok().filter(|&pid| pid > 1).and_then(Pid::from_raw).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{pid} is not a process of a trial"))
    })
}

pub(super) fn gone_is_fine<T: Default>(result: Result<T, Errno>) -> io::Result<T> {
    match result {
        Err(Errno::SRCH) => Ok(T::default()),
        other => other.map_err(io::Error::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_has_a_start_time_until_it_is_dead() {
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let started = process_start_time(child.id());
        assert!(started.is_some());
        assert_eq!(process_start_time(child.id()), started);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(process_start_time(child.id()), None);
    }

    #[test]
    fn nothing_is_sent_to_everything() {
        for pid in [0, 1, u32::MAX] {
            let id = ProcessId { pid, started: 0 };
            assert_eq!(signal(id, Signal::CONT).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
