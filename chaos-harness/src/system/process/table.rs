//! What the system says about processes: mostly in `/proc`. Elsewhere little is known, and what needs it is left out.

use rustix::process::Pid;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// The fields of `/proc/<pid>/stat` that are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) state: char,
    pub(super) group: i32,
    /// When it was started, in clock ticks since boot: tells it from a later process of the same number.
    pub(super) started: u64,
}

/// What is known of a process.
pub(super) fn stat(pid: Pid) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?)
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The second field is the name in parentheses, and may itself hold blanks and parentheses.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        group: fields.get(2)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

/// The living processes of a group.
pub(super) fn members(group: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?))
        .filter(|pid| {
            stat(*pid)
                .is_some_and(|stat| stat.group == group.as_raw_nonzero().get() && !is_gone(*pid, stat.state))
        })
        .collect()
}

/// Whether nothing is left of a process but its entry. Its first thread may be gone while others still hold its
/// sockets.
fn is_gone(pid: Pid, state: char) -> bool {
    let tasks = || fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).map_or(0, Iterator::count);
    matches!(state, 'Z' | 'X') && tasks() <= 1
}

/// The states of the living processes of a group; unknown where neither `/proc` nor `ps` says.
pub(super) fn states(group: Pid) -> Option<Vec<char>> {
    if cfg!(target_os = "linux") {
        return Some(members(group).into_iter().filter_map(stat).map(|stat| stat.state).collect());
    }
    let output = Command::new("ps").args(["-A", "-o", "pgid=", "-o", "stat="]).output().ok()?;
    let table = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| parse_ps(&table, group.as_raw_nonzero().get()))
}

fn parse_ps(table: &str, group: i32) -> Vec<char> {
    let rows = table.lines().filter_map(|row| row.trim().split_once(char::is_whitespace));
    rows.filter(|(id, _)| id.parse() == Ok(group))
        .filter_map(|(_, state)| state.trim().chars().next())
        .filter(|state| *state != 'Z')
        .collect()
}

/// The soft and hard limit of a process's address space, each `None` where there is none.
pub(super) fn address_space(pid: Pid) -> Option<(Option<u64>, Option<u64>)> {
    let limits = fs::read_to_string(format!("/proc/{}/limits", pid.as_raw_nonzero())).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let mut words = line.split_whitespace().map(|word| match word {
        "unlimited" => Some(None),
        bytes => bytes.parse().ok().map(Some),
    });
    Some((words.next()??, words.next()??))
}

/// Sets the soft and hard limit of a process's address space.
pub(super) fn set_address_space(pid: Pid, (soft, hard): (Option<u64>, Option<u64>)) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, prlimit};
        prlimit(Some(pid), Resource::As, Rlimit { current: soft, maximum: hard })?;
        Ok(())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (pid, soft, hard);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Whether a process of the group listens on the port; unknown (`None`) where the system does not say, or does not
/// let us look.
pub(super) fn listens(group: Pid, port: u16) -> Option<bool> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listeners(&table, port))
        .collect();
    if inodes.is_empty() {
        // Nobody listens, or the tables are not there.
        return Path::new("/proc/net/tcp").exists().then_some(false);
    }
    let mut hidden = false;
    for pid in members(group) {
        let Ok(open) = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())) else {
            hidden = true;
            continue;
        };
        for file in open.flatten() {
            let target = fs::read_link(file.path()).unwrap_or_default();
            let target = target.to_string_lossy();
            let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            if inode.is_some_and(|inode| inodes.iter().any(|listening| listening == inode)) {
                return Some(true);
            }
        }
    }
    (!hidden).then_some(false)
}

/// The inodes of the sockets in this table that listen on the port.
fn listeners(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let ending = format!(":{port:04X}");
    table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields.get(1).is_some_and(|local| local.ends_with(&ending)))
        .filter(|fields| fields.get(3) == Some(&LISTEN))
        .filter_map(|fields| fields.get(9).map(|inode| (*inode).to_owned()))
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::process::{getpgrp, getpid};
    use std::net::TcpListener;

    #[test]
    fn a_name_with_parentheses_does_not_confuse() {
        let text = "77 (a ) b) T 1 70 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0";
        assert_eq!(parse_stat(text), Some(Stat { state: 'T', group: 70, started: 4242 }));
    }

    #[test]
    fn the_states_of_a_group_are_read_from_ps() {
        let table = "    1 Ss\n  501 T\n  501 T+\n  501 Z\n 5012 R\n";
        assert_eq!(parse_ps(table, 501), ['T', 'T']);
    }

    #[test]
    fn our_own_listener_is_told_from_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listens(getpgrp(), port), Some(true));
        drop(listener);
        assert_eq!(listens(getpgrp(), port), Some(false));
        assert!(members(getpgrp()).contains(&getpid()));
    }
}
