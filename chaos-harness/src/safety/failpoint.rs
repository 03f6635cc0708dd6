//! Failpoints: a process that kills itself at a chosen transition of its undo log, as a crash there would.
//!
//! For the crash campaign (`cargo bench --bench crash`) and for tests, which turn the feature `failpoints` on; without it
//! there are none.

/// A transition of an undo log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transition {
    /// Nothing is written yet.
    Intending,
    /// The intent is written, and may not be durable.
    Written,
    /// The intent is durable, and nothing is done yet.
    Intended,
    /// It is done, and that is not written.
    Applying,
    /// That it is done is written.
    Applied,
    /// It is undone, and that is not written.
    Undoing,
    /// That it is undone is written.
    Undone,
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn reached(_: Transition) {}

#[cfg(feature = "failpoints")]
pub(crate) use armed::reached;

#[cfg(feature = "failpoints")]
mod armed {
    use super::Transition;
    use crate::safety::guard;
    use rustix::process::{Signal, getpid, kill_process};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// At its how many-th transition a test process dies; a guard.
    const OF_TEST: &str = "CHAOS_FAILPOINT";
    const OF_GUARD: &str = "CHAOS_FAILPOINT_GUARD";

    static LIMIT: OnceLock<Option<u64>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);

    pub(crate) fn reached(_: Transition) {
        let limit = LIMIT.get_or_init(|| {
            let variable = if guard::is_this() { OF_GUARD } else { OF_TEST };
            std::env::var(variable).ok()?.parse().ok()
        });
        let Some(limit) = *limit else { return };
        if REACHED.fetch_add(1, Ordering::SeqCst) + 1 == limit {
            // Not an exit, which would run what a crash does not.
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }
}
