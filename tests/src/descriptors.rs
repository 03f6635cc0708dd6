//! File descriptors and threads: how many a process has, and how many it may have.

use rustix::process::{Resource, getrlimit, setrlimit};
use std::{fs, io};

/// Raises this process's limit of open descriptors as far as it goes, and returns it.
pub fn raise_limit() -> io::Result<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(limit.current.unwrap_or(u64::MAX))
}

/// How many descriptors a process has open.
pub fn open_in(process: u32) -> io::Result<usize> {
    count(process, "fd")
}

/// How many threads a process has.
pub fn threads_in(process: u32) -> io::Result<usize> {
    count(process, "task")
}

fn count(process: u32, what: &str) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{process}/{what}"))?.count())
}
