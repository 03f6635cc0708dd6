//! What the system says about processes: mostly in `/proc`. Elsewhere little is known, and what needs it is left out.

use crate::safety::{Process, ProcessId, all_processes};
use rustix::process::Pid;
use std::fs;
use std::io;
use std::path::Path;

/// The soft and the hard limit of an address space in bytes, each `None` where there is none.
pub(super) type Limits = (Option<u64>, Option<u64>);

/// The living processes of a group.
pub(super) fn members(group: Pid) -> Vec<ProcessId> {
    of_group(group).into_iter().flatten().map(|process| process.id).collect()
}

/// The states of the living processes of a group; unknown where the system does not say.
pub(super) fn states(group: Pid) -> Option<Vec<char>> {
    Some(of_group(group)?.map(|process| process.state).collect())
}

fn of_group(group: Pid) -> Option<impl Iterator<Item = Process>> {
    let group = group.as_raw_nonzero().get().unsigned_abs();
    Some(all_processes().ok()?.into_iter().filter(move |process| process.group == group))
}

/// The limits of a process's address space.
pub(super) fn address_space(id: ProcessId) -> Option<Limits> {
    let limits = fs::read_to_string(format!("/proc/{}/limits", id.pid)).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let mut words = line.split_whitespace().map(|word| match word {
        "unlimited" => Some(None),
        bytes => bytes.parse().ok().map(Some),
    });
    Some((words.next()??, words.next()??))
}

/// Sets the soft and hard limit of a process's address space. One that has ended needs none.
pub(super) fn set_address_space(id: ProcessId, (soft, hard): Limits) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, prlimit};
        let pid = i32::try_from(id.pid).ok().and_then(Pid::from_raw);
        if pid.is_none() || !id.is_alive() {
            return Ok(());
        }
        match prlimit(pid, Resource::As, Rlimit { current: soft, maximum: hard }) {
            Err(error) if error != rustix::io::Errno::SRCH => Err(error.into()),
            _ => Ok(()),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (id, soft, hard);
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
    for ProcessId { pid, .. } in members(group) {
        let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else {
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
    use rustix::process::getpgrp;
    use std::net::TcpListener;

    #[test]
    fn our_own_listener_is_told_from_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listens(getpgrp(), port), Some(true));
        drop(listener);
        assert_eq!(listens(getpgrp(), port), Some(false));
        assert!(members(getpgrp()).contains(&ProcessId::this().unwrap()));
    }
}
