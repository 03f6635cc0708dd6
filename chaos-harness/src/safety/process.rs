//! Processes of this machine: which one a number means, and which ones carry a tag.

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::io;

/// The variable that every process of a trial carries in its environment.
pub(crate) const TRIAL_VARIABLE: &str = "CHAOS_TRIAL";

/// When the process of this number was started, as an opaque value that tells it from a later process of the same
/// number. `None` when there is none, or when it is dead and only waits to be reaped.
pub(crate) fn process_start_time(pid: u32) -> Option<u64> {
    platform::start_time(pid)
}

/// What tells this start of the machine from the next.
pub(super) fn boot_id() -> Option<String> {
    platform::boot_id()
}

/// The processes, other than this one, that carry the tag of `trial`.
pub(super) fn tagged(trial: &str) -> io::Result<Vec<u32>> {
    let this = std::process::id();
    let mut found = platform::with_variable(&format!("{TRIAL_VARIABLE}={trial}"))?;
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
    use std::{fs, io};

    pub(super) fn start_time(pid: u32) -> Option<u64> {
        parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Field 22 of `/proc/PID/stat`, unless the process is dead. The name, field 2, may contain anything, so that
    /// fields are counted from its last parenthesis.
    fn parse_stat(stat: &[u8]) -> Option<u64> {
        let after_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
        let mut fields = std::str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        (!matches!(state, "Z" | "X")).then_some(started)
    }

    pub(super) fn boot_id() -> Option<String> {
        Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
    }

    pub(super) fn with_variable(variable: &str) -> io::Result<Vec<u32>> {
        let carries = |pid: &u32| {
            // Gone by now, or another user's: not ours either way.
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
            })
        };
        let entries = fs::read_dir("/proc")?.filter_map(Result::ok);
        Ok(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(carries).collect())
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn a_name_with_parentheses_and_blanks_does_not_shift_the_fields() {
            let stat =
                |state| format!("7 (a) R 1 (b c) {state} 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 98765 1 2 3");
            assert_eq!(super::parse_stat(stat("S").as_bytes()), Some(98765));
            assert_eq!(super::parse_stat(stat("Z").as_bytes()), None);
            assert_eq!(super::parse_stat(b"7 (torn"), None);
        }
    }
}

/// Through `ps` and `sysctl`, which are there wherever `/proc` is not.
#[cfg(not(target_os = "linux"))]
mod platform {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    use std::io;
    use std::process::{Command, Stdio};

    fn output(program: &str, arguments: &[&str]) -> io::Result<String> {
        let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub(super) fn start_time(pid: u32) -> Option<u64> {
        let line = output("ps", &["-o", "stat=,lstart=", "-p", &pid.to_string()]).ok()?;
        let (state, started) = line.trim().split_once(' ')?;
        let mut hasher = DefaultHasher::new();
        started.trim().hash(&mut hasher);
        (!state.starts_with('Z')).then(|| hasher.finish())
    }

    pub(super) fn boot_id() -> Option<String> {
        output("sysctl", &["-n", "kern.boottime"]).ok()
    }

    pub(super) fn with_variable(variable: &str) -> io::Result<Vec<u32>> {
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
            assert_eq!(signal_group(pid, Signal::CONT).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
