//! Through `ps` and `sysctl`, which are there wherever `/proc` is not.

use super::{Namespace, Process, ProcessId, gone_is_fine};
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::process::{Command, Stdio};

const COLUMNS: &str = "pid=,ppid=,pgid=,stat=,lstart=";

fn output(program: &str, arguments: &[&str]) -> io::Result<String> {
    let mut command = Command::new(program);
    // A start time is written down, and read again by a program with other settings.
    command.args(arguments).env("LC_ALL", "C").env("TZ", "UTC").stdin(Stdio::null());
    Ok(String::from_utf8_lossy(&command.output()?.stdout).into_owned())
}

/// A row of `ps` with the columns above.
fn process(row: &str) -> Option<Process> {
    let (pid, rest) = row.trim().split_once(' ')?;
    let (parent, rest) = rest.trim_start().split_once(' ')?;
    let (group, rest) = rest.trim_start().split_once(' ')?;
    let (state, started) = rest.trim_start().split_once(' ')?;
    let state = state.chars().next()?;
    let id = ProcessId { pid: pid.parse().ok()?, started: crc32fast::hash(started.trim().as_bytes()).into() };
    let process = Process { id, parent: parent.parse().ok()?, group: group.parse().ok()?, state };
    (state != 'Z').then_some(process)
}

pub(super) fn look(pid: u32) -> Option<Process> {
    process(&output("ps", &["-o", COLUMNS, "-p", &pid.to_string()]).ok()?)
}

pub(super) fn all() -> io::Result<Vec<Process>> {
    Ok(output("ps", &["-axo", COLUMNS])?.lines().filter_map(process).collect())
}

pub(super) fn boot_id() -> Option<String> {
    output("sysctl", &["-n", "kern.boottime"]).ok()
}

/// There are no others here.
pub(super) fn namespace(_: Namespace) -> Option<u64> {
    None
}

pub(super) fn is_namespace_over(_: Namespace, _: u64) -> bool {
    false
}

pub(super) fn signal(id: ProcessId, pid: Pid, signal: Signal) -> io::Result<()> {
    if id.is_alive() { gone_is_fine(kill_process(pid, signal)) } else { Ok(()) }
}

/// There are no marks here.
pub(super) fn tagged(variable: &str, _: &str) -> io::Result<Vec<ProcessId>> {
    let listing = output("ps", &["-axwwE", "-o", "pid=,command="])?;
    let carries = |line: &&str| line.split(' ').any(|word| word == variable);
    let numbers =
        listing.lines().filter(carries).filter_map(|line| line.split_whitespace().next()?.parse().ok());
    Ok(numbers.filter_map(look).map(|process| process.id).collect())
}
