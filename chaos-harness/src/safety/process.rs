//! Processes of this machine: which one a number means, which ones carry a tag, and which are related.

use super::mark;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
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
pub(super) struct Related {
    pub(super) id: ProcessId,
    pub(super) parent: u32,
    pub(super) group: u32,
    /// Whether it does nothing until it is let go on.
    pub(super) is_stopped: bool,
}

/// Every process that there is now.
pub(super) fn all() -> io::Result<Vec<Related>> {
    platform::all()
}

/// When the process of this number was started, as an opaque value that tells it from a later process of the same
/// number. `None` when there is none, or when it is dead and only waits to be reaped.
pub(crate) fn process_start_time(pid: u32) -> Option<u64> {
    platform::start_time(pid)
}

/// What tells this start of the machine from the next.
pub(super) fn boot_id() -> Option<String> {
    platform::boot_id()
}

/// The processes, other than this one, that carry the tag of `trial` in their environment, or its mark.
pub(super) fn tagged(trial: &str) -> io::Result<Vec<u32>> {
    let this = std::process::id();
    let mut found = platform::tagged(&format!("{TRIAL_VARIABLE}={trial}"), &mark::name(trial))?;
    found.retain(|&pid| pid != this);
    Ok(found)
}

/// Signals one process. One that is gone is no error.
pub(super) fn signal(pid: u32, signal: Signal) -> io::Result<()> {
    gone_is_fine(kill_process(addressable(pid)?, signal))
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

#[cfg(target_os = "linux")]
mod platform {
    use super::{ProcessId, Related};
    use std::{fs, io};

    pub(super) fn start_time(pid: u32) -> Option<u64> {
        stat(pid).map(|stat| stat.started)
    }

    /// What `/proc/PID/stat` says: fields 3, 4, 5 and 22, unless the process is dead.
    #[derive(Debug, PartialEq)]
    struct Stat {
        is_stopped: bool,
        parent: u32,
        group: u32,
        started: u64,
    }

    /// The name, field 2, may contain anything, so that fields are counted from its last parenthesis.
    fn parse_stat(stat: &[u8]) -> Option<Stat> {
        let after_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
        let mut fields = std::str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let started = fields.nth(16)?.parse().ok()?;
        let is_stopped = matches!(state, "T" | "t");
        (!matches!(state, "Z" | "X")).then_some(Stat { is_stopped, parent, group, started })
    }

    fn stat(pid: u32) -> Option<Stat> {
        parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    pub(super) fn all() -> io::Result<Vec<Related>> {
        // One that is gone by the time it is looked at is none.
        let related = |pid| {
            let Stat { is_stopped, parent, group, started } = stat(pid)?;
            Some(Related { id: ProcessId { pid, started }, parent, group, is_stopped })
        };
        Ok(numbers()?.filter_map(related).collect())
    }

    fn numbers() -> io::Result<impl Iterator<Item = u32>> {
        let entries = fs::read_dir("/proc")?.filter_map(Result::ok);
        Ok(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
    }

    pub(super) fn boot_id() -> Option<String> {
        Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
    }

    pub(super) fn tagged(variable: &str, mark: &str) -> io::Result<Vec<u32>> {
        // The kernel's words for a nameless file.
        let mark = format!("/memfd:{mark} (deleted)");
        let carries = |pid: &u32| {
            // Gone by now, or another user's: not ours either way.
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
            }) || (has_open(*pid, &mark) && !is_being_started(*pid))
        };
        Ok(numbers()?.filter(carries).collect())
    }

    fn has_open(pid: u32, file: &str) -> bool {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path.as_os_str() == file)
    }

    /// Whether it is a child of this process that has not called exec yet: until then it has all that this one has open.
    fn is_being_started(pid: u32) -> bool {
        let command_line = |pid: &str| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        stat(pid).is_some_and(|stat| stat.parent == std::process::id())
            && command_line(&pid.to_string()) == command_line("self")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_name_with_parentheses_and_blanks_does_not_shift_the_fields() {
            let stat =
                |state| format!("7 (a) R 1 (b c) {state} 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 98765 1 2 3");
            assert_eq!(
                parse_stat(stat("S").as_bytes()),
                Some(Stat { is_stopped: false, parent: 1, group: 7, started: 98765 })
            );
            assert_eq!(parse_stat(stat("Z").as_bytes()), None);
            assert_eq!(parse_stat(b"7 (torn"), None);
        }
    }
}

/// Through `ps` and `sysctl`, which are there wherever `/proc` is not.
#[cfg(not(target_os = "linux"))]
mod platform {
    use super::{ProcessId, Related};
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    use std::io;
    use std::process::{Command, Stdio};

    fn output(program: &str, arguments: &[&str]) -> io::Result<String> {
        let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub(super) fn start_time(pid: u32) -> Option<u64> {
        let line = output("ps", &["-o", "stat=,lstart=", "-p", &pid.to_string()]).ok()?;
        started(line.trim())
    }

    /// From the state of a process and the time at which it was started.
    fn started(line: &str) -> Option<u64> {
        let (state, started) = line.split_once(' ')?;
        let mut hasher = DefaultHasher::new();
        started.trim().hash(&mut hasher);
        (!state.starts_with('Z')).then(|| hasher.finish())
    }

    pub(super) fn all() -> io::Result<Vec<Related>> {
        let related = |line: &str| {
            let (pid, rest) = line.trim().split_once(' ')?;
            let (parent, rest) = rest.trim_start().split_once(' ')?;
            let (group, rest) = rest.trim_start().split_once(' ')?;
            let rest = rest.trim_start();
            let id = ProcessId { pid: pid.parse().ok()?, started: started(rest)? };
            let is_stopped = rest.starts_with('T');
            Some(Related { id, parent: parent.parse().ok()?, group: group.parse().ok()?, is_stopped })
        };
        let listing = output("ps", &["-axo", "pid=,ppid=,pgid=,stat=,lstart="])?;
        Ok(listing.lines().filter_map(related).collect())
    }

    pub(super) fn boot_id() -> Option<String> {
        output("sysctl", &["-n", "kern.boottime"]).ok()
    }

    /// There are no marks here.
    pub(super) fn tagged(variable: &str, _: &str) -> io::Result<Vec<u32>> {
        let listing = output("ps", &["-axwwE", "-o", "pid=,command="])?;
        let carries = |line: &&str| line.split(' ').any(|word| word == variable);
        Ok(listing
            .lines()
            .filter(carries)
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .collect())
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
            assert_eq!(signal(pid, Signal::CONT).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
