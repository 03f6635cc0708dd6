//! Through `/proc`.

use super::{Namespace, Process, ProcessId, gone_is_fine};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use std::os::unix::fs::MetadataExt as _;
use std::{fs, io};

/// The namespace in which the machine itself numbers its processes: from there, all others are seen.
const OF_THE_MACHINE: u64 = 0xEFFF_FFFC;

/// Fields 3, 4, 5 and 22 of `/proc/PID/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    state: char,
    parent: u32,
    group: u32,
    started: u64,
}

/// The name, field 2, may contain anything, so that fields are counted from its last parenthesis.
fn parse_stat(stat: &[u8]) -> Option<Stat> {
    let after_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let mut fields = std::str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let started = fields.nth(16)?.parse().ok()?;
    Some(Stat { state, parent, group, started })
}

pub(super) fn look(pid: u32) -> Option<Process> {
    let Stat { state, parent, group, started } = parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)?;
    let process = Process { id: ProcessId { pid, started }, parent, group, state };
    (!is_dead(pid, state)).then_some(process)
}

/// Whether nothing is left of a process but its entry. Its first thread may be gone while others still hold its sockets.
fn is_dead(pid: u32, state: char) -> bool {
    let tasks = || fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    matches!(state, 'Z' | 'X') && tasks() <= 1
}

pub(super) fn all() -> io::Result<Vec<Process>> {
    // One that is gone by the time it is looked at is none.
    Ok(numbers()?.filter_map(look).collect())
}

fn numbers() -> io::Result<impl Iterator<Item = u32>> {
    let entries = fs::read_dir("/proc")?.filter_map(Result::ok);
    Ok(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

pub(super) fn boot_id() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

pub(super) fn namespace(kind: Namespace) -> Option<u64> {
    namespace_of("self", kind).ok()
}

fn namespace_of(process: &str, kind: Namespace) -> io::Result<u64> {
    let name = match kind {
        Namespace::Processes => "pid",
        Namespace::Network => "net",
    };
    // Followed: the number of a namespace is that of the file behind the link.
    Ok(fs::metadata(format!("/proc/{process}/ns/{name}"))?.ino())
}

pub(super) fn is_namespace_over(kind: Namespace, namespace: u64) -> bool {
    if self::namespace(Namespace::Processes) != Some(OF_THE_MACHINE) {
        return false;
    }
    // One that may not be looked into may be in it. One that is gone is in none.
    let may_be_in_it = |pid: u32| match namespace_of(&pid.to_string(), kind) {
        Ok(found) => found == namespace,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    numbers().is_ok_and(|mut numbers| !numbers.any(may_be_in_it))
}

/// By a descriptor of the process, which never comes to mean another one; where there are none, by its number.
pub(super) fn signal(id: ProcessId, pid: Pid, signal: Signal) -> io::Result<()> {
    let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(descriptor) => Some(descriptor),
        Err(Errno::SRCH) => return Ok(()),
        // An old kernel, or one that is told to refuse; no descriptors left.
        Err(_) => None,
    };
    // Looked at while the descriptor is held: it is this one's for as long as the process is.
    if !id.is_alive() {
        return Ok(());
    }
    gone_is_fine(match descriptor {
        Some(descriptor) => match pidfd_send_signal(&descriptor, signal) {
            Err(Errno::NOSYS | Errno::PERM) => kill_process(pid, signal),
            sent => sent,
        },
        None => kill_process(pid, signal),
    })
}

pub(super) fn tagged(variable: &str, mark: &str) -> io::Result<Vec<ProcessId>> {
    // The kernel's words for a nameless file.
    let mark = format!("/memfd:{mark} (deleted)");
    let carries = |pid: u32| {
        // Looked at first: what carries the tag is this one, or nothing is done to it.
        let id = look(pid)?.id;
        // Gone by now, or another user's: not ours either way.
        let in_environment = fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
            environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
        });
        // In this order: what is being started has this process's files only until it is another program.
        let carries = in_environment || (!is_being_started(pid) && has_open(pid, &mark));
        carries.then_some(id)
    };
    Ok(numbers()?.filter_map(carries).collect())
}

fn has_open(pid: u32, file: &str) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path.as_os_str() == file)
}

/// Whether it is a child of this process that has not called exec yet: until then it has all that this one has open.
fn is_being_started(pid: u32) -> bool {
    let command_line = |pid: &str| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    look(pid).is_some_and(|process| process.parent == std::process::id())
        && command_line(&pid.to_string()) == command_line("self")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_name_with_parentheses_and_blanks_does_not_shift_the_fields() {
        let stat = b"7 (a) R 1 (b c) S 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 98765 1 2 3";
        assert_eq!(parse_stat(stat), Some(Stat { state: 'S', parent: 1, group: 7, started: 98765 }));
        assert_eq!(parse_stat(b"7 (torn"), None);
    }

    #[test]
    fn a_later_process_of_the_same_number_is_not_signalled() {
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let id = look(child.id()).unwrap().id;
        let later = ProcessId { started: id.started + 1, ..id };
        super::super::signal(later, Signal::KILL).unwrap();
        assert_eq!(child.try_wait().unwrap(), None);
        super::super::signal(id, Signal::KILL).unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_namespace_with_a_process_in_it_is_not_over() {
        for kind in [Namespace::Processes, Namespace::Network] {
            assert!(!is_namespace_over(kind, namespace(kind).unwrap()));
            // Of another one it is known only where all processes can be looked into.
            let is_hidden = |pid: u32| {
                let found = namespace_of(&pid.to_string(), kind);
                found.is_err_and(|error| error.kind() != io::ErrorKind::NotFound)
            };
            let sees_all =
                namespace(Namespace::Processes) == Some(OF_THE_MACHINE) && !numbers().unwrap().any(is_hidden);
            assert_eq!(is_namespace_over(kind, 1), sees_all);
        }
    }
}
