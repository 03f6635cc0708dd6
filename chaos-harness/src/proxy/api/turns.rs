//! One change of a proxy at a time, so that what is read, changed and put back is not changed in between.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Names share a lock by chance: then they wait for each other, and nothing else.
const LOCKS: usize = 64;

/// Who may change a proxy.
pub(super) struct Turns {
    locks: [Arc<Mutex<()>>; LOCKS],
}

/// The right to change a proxy, until it is dropped.
#[must_use]
pub(super) struct Turn {
    _guard: OwnedMutexGuard<()>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { locks: std::array::from_fn(|_| Arc::default()) }
    }

    /// Waits for the turn to change the proxy `name`.
    pub(super) async fn take(&self, name: &str) -> Turn {
        Turn { _guard: self.lock(name).lock_owned().await }
    }

    /// The same, on a thread that may block.
    pub(super) fn wait(&self, name: &str) -> Turn {
        Turn { _guard: self.lock(name).blocking_lock_owned() }
    }

    fn lock(&self, name: &str) -> Arc<Mutex<()>> {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are the ones that vary")]
        let index = hasher.finish() as usize % LOCKS;
        Arc::clone(&self.locks[index])
    }
}
