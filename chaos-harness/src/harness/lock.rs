//! The lock that keeps experiments with load from running side by side on one machine.
//!
//! A runner such as nextest starts trials in processes of their own, all at once: what one measures would be the load
//! of the others. The lock is the kernel's, on a file: it ends with its process.

use crate::clock;
use crate::terminal::tell_at_once;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long to wait before saying so.
const SILENCE: Duration = Duration::from_secs(1);

/// The lock could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot lock {}, which keeps chaos experiments on this machine from disturbing each other", path.display())]
pub(crate) struct LockError {
    path: PathBuf,
    source: io::Error,
}

/// The machine is this trial's, among those of the same user, until this is dropped.
#[derive(Debug)]
#[must_use = "dropping it lets other experiments on this machine start"]
pub(crate) struct MachineLock(File);

impl MachineLock {
    /// Waits until no other experiment of this user holds the lock. Dropping the future gives up.
    pub(crate) async fn acquire() -> Result<Self, LockError> {
        let user = rustix::process::getuid().as_raw();
        Self::acquire_at(&std::env::temp_dir().join(format!("chaos-harness-{user}.lock")), SILENCE).await
    }

    async fn acquire_at(path: &Path, silence: Duration) -> Result<Self, LockError> {
        let failed = |source: io::Error| LockError { path: path.to_owned(), source };
        let file = open(path).map_err(failed)?;
        let (sender, receiver) = oneshot::channel();
        // A thread of its own, and not the runtime's: a runtime waits for its blocking threads when it ends, and this
        // one may wait for long. Once nobody waits for the lock, the thread gives it back as soon as it has it.
        thread::Builder::new()
            .name("chaos-lock".to_owned())
            .spawn(move || drop(sender.send(lock(file))))
            .map_err(failed)?;
        let mut locked = std::pin::pin!(receiver);
        let locked = tokio::select! {
            biased;
            locked = &mut locked => locked,
            () = clock::sleep(silence) => {
                announce(path);
                locked.await
            }
        };
        locked.unwrap_or_else(|_| Err(io::Error::other("the waiting thread ended"))).map_err(failed)
    }
}

impl Drop for MachineLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that is just being started holds a copy of it until it calls exec.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        // The folder is everyone's: another user's link must not lead the write elsewhere.
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

fn lock(file: File) -> io::Result<MachineLock> {
    while let Err(error) = flock(&file, FlockOperation::LockExclusive) {
        if error != rustix::io::Errno::INTR {
            return Err(error.into());
        }
    }
    let mut lock = MachineLock(file);
    lock.0.set_len(0)?;
    lock.0.rewind()?;
    write!(lock.0, "{}", std::process::id())?;
    Ok(lock)
}

fn announce(path: &Path) {
    let mut holder = String::new();
    // Only for the message; between two holders the file is empty.
    drop(File::open(path).and_then(|mut file| file.read_to_string(&mut holder)));
    if holder == std::process::id().to_string() {
        // This very program runs its trials one after the other: nothing that its user must be told.
        return;
    }
    let holder = if holder.is_empty() { "unknown" } else { &holder };
    tracing::info!(holder, "waiting for another chaos experiment on this machine");
    tell_at_once(format_args!("chaos: waiting for another chaos experiment on this machine (pid {holder})"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::victim;
    use std::sync::atomic::{AtomicBool, Ordering};

    const VICTIM: &str = "harness::lock::tests::a_process_that_holds_the_lock";

    fn is_free(path: &Path) -> bool {
        let file = open(path).unwrap();
        let free = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        let _ = flock(&file, FlockOperation::Unlock);
        free
    }

    #[tokio::test]
    async fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let inside = AtomicBool::new(false);
        let trial = || async {
            let lock = MachineLock::acquire_at(&path, SILENCE).await.unwrap();
            assert!(!inside.swap(true, Ordering::SeqCst), "another one is inside");
            tokio::task::yield_now().await;
            inside.store(false, Ordering::SeqCst);
            drop(lock);
        };
        futures::future::join_all((0..20).map(|_| trial())).await;
        assert!(is_free(&path));
    }

    #[tokio::test]
    async fn who_gives_up_waiting_does_not_keep_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = MachineLock::acquire_at(&path, SILENCE).await.unwrap();
        let waiting = MachineLock::acquire_at(&path, Duration::ZERO);
        tokio::time::timeout(Duration::from_millis(50), waiting).await.expect_err("it is held");
        drop(held);
        let again = tokio::time::timeout(Duration::from_secs(30), MachineLock::acquire_at(&path, SILENCE));
        drop(again.await.expect("whoever gave up passes it on").unwrap());
        victim::wait_until("the lock is free", || is_free(&path));
    }

    #[tokio::test]
    #[ignore = "started by other tests as a process of its own"]
    async fn a_process_that_holds_the_lock() {
        let Some(folder) = victim::folder() else { return };
        let _lock = MachineLock::acquire_at(&folder.join("lock"), SILENCE).await.unwrap();
        std::fs::write(folder.join("ready"), "").unwrap();
        std::future::pending::<()>().await;
    }

    #[test]
    fn a_killed_process_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut process = victim::spawn(VICTIM, folder.path());
        victim::wait_until("the victim is ready", || folder.path().join("ready").exists());
        assert!(!is_free(&path));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), process.id().to_string());
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(is_free(&path));
    }

    #[tokio::test]
    async fn a_place_that_cannot_be_locked_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/lock");
        let error = MachineLock::acquire_at(&path, SILENCE).await.unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
