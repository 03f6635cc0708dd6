//! The process's last file descriptors are not for connections: the API, the listeners and name lookups need them.

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

/// How many are left to others, where the limit is not small.
const KEPT_FREE: u64 = 16;

/// Whether a new descriptor may be kept: an error where it is one of the last that the process may have.
///
/// The system gives out the lowest number that is free, so a high one says that all below it are in use.
pub(super) fn check(new: impl AsFd) -> io::Result<()> {
    let Some(limit) = getrlimit(Resource::Nofile).current else { return Ok(()) };
    let number = u64::try_from(new.as_fd().as_raw_fd()).unwrap_or(0);
    if number < limit - KEPT_FREE.min(limit / 8) { Ok(()) } else { Err(Errno::MFILE.into()) }
}

/// Whether an error says that there is no descriptor left, in this process or on this machine.
pub(super) fn are_exhausted(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}
