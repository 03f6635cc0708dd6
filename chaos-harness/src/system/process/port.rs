//! Ports for processes: below the ephemeral range, so that no outgoing connection takes one, and held by a lock, so
//! that no other test process on this machine picks the same one.

use crate::system::error::StartError;
use rustix::fs::{FlockOperation, flock};
use rustix::process::getuid;
use std::env;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

const LOWEST: u16 = 10_000;
/// Where the ephemeral range begins on Linux unless it was moved; macOS's begins later.
const USUAL_EPHEMERAL: u16 = 32_768;

/// A port that is ours for as long as this lives: over restarts too.
#[derive(Debug)]
pub(crate) struct ReservedPort {
    port: u16,
    lock: PathBuf,
    /// Closing it gives up the lock.
    _file: File,
}

impl ReservedPort {
    /// A free port that no other test process holds, above `after` where that is given.
    pub(crate) fn reserve(after: Option<u16>) -> Result<Self, StartError> {
        // Per user: a lock file of another user can be neither opened nor taken away.
        let folder = env::temp_dir().join(format!("chaos-harness-ports-{}", getuid().as_raw()));
        Self::reserve_in(&folder, range(), after)
    }

    fn reserve_in(folder: &Path, range: RangeInclusive<u16>, after: Option<u16>) -> Result<Self, StartError> {
        let no_lock = |cause| StartError::PortLock { folder: folder.to_owned(), cause };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(no_lock)?;
        for port in range.clone().filter(|port| after.is_none_or(|after| *port > after)) {
            if let Some(reserved) = Self::try_reserve(folder, port).map_err(no_lock)? {
                return Ok(reserved);
            }
        }
        Err(StartError::NoPort { first: *range.start(), last: *range.end() })
    }

    fn try_reserve(folder: &Path, port: u16) -> io::Result<Option<Self>> {
        let lock = folder.join(port.to_string());
        let file = File::options().create(true).truncate(false).write(true).open(&lock)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(error) if error == rustix::io::Errno::WOULDBLOCK => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // Whoever gave it up removed the file: then what was locked is not what the next one will look at.
        let locked = file.metadata()?;
        let still_there =
            fs::metadata(&lock).is_ok_and(|there| (there.dev(), there.ino()) == (locked.dev(), locked.ino()));
        if !still_there {
            return Ok(None);
        }
        let reserved = Self { port, lock, _file: file };
        // Something outside of all this may listen there.
        Ok(TcpListener::bind(reserved.address()).is_ok().then_some(reserved))
    }

    pub(crate) fn number(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}

impl Drop for ReservedPort {
    fn drop(&mut self) {
        // Removed while the lock is still held. A file that stays behind does no harm.
        let _ = fs::remove_file(&self.lock);
    }
}

fn range() -> RangeInclusive<u16> {
    let ephemeral = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(USUAL_EPHEMERAL);
    below(ephemeral)
}

/// The ports below the ephemeral range; where that leaves next to none, those that are usually below it.
fn below(ephemeral: u16) -> RangeInclusive<u16> {
    let end = if ephemeral > LOWEST + 1_000 { ephemeral } else { USUAL_EPHEMERAL };
    LOWEST..=end - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_held_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let range = below(USUAL_EPHEMERAL);
        let first = ReservedPort::reserve_in(folder.path(), range.clone(), None).unwrap();
        let second = ReservedPort::reserve_in(folder.path(), range.clone(), None).unwrap();
        assert_ne!(first.number(), second.number());
        let number = first.number();
        drop(first);
        // Another process of this machine may have taken the port itself meanwhile: only the lock is ours to check.
        assert!(!folder.path().join(number.to_string()).exists());
        assert!(folder.path().join(second.number().to_string()).exists());
    }

    #[test]
    fn a_port_on_which_something_listens_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = ReservedPort::reserve_in(folder.path(), port..=port, None).unwrap_err();
        assert_eq!(error.to_string(), format!("no free port between {port} and {port}"));
        drop(listener);
    }

    #[test]
    fn the_range_stays_below_the_ephemeral_one() {
        assert_eq!(below(32_768), 10_000..=32_767);
        assert_eq!(below(49_152), 10_000..=49_151);
        assert_eq!(below(1_024), 10_000..=32_767);
    }
}
