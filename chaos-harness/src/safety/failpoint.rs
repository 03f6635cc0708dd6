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

#[cfg(not(feature = "failpoints"))]
pub(crate) fn guarded_by(_: u32) {}

#[cfg(feature = "failpoints")]
pub(crate) use armed::{guarded_by, reached};

#[cfg(feature = "failpoints")]
mod armed {
    use super::Transition;
    use crate::safety::guard;
    use rustix::process::{Pid, Signal, getpid, kill_process};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

    /// At its how many-th transition a test process dies; one with its guard, which goes first; a guard.
    const OF_TEST: &str = "CHAOS_FAILPOINT";
    const OF_BOTH: &str = "CHAOS_FAILPOINT_BOTH";
    const OF_GUARD: &str = "CHAOS_FAILPOINT_GUARD";

    #[derive(Clone, Copy)]
    struct Limit {
        transition: u64,
        with_guard: bool,
    }

    static LIMIT: OnceLock<Option<Limit>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);

    /// The pid of this process's guard, 0 where it has none.
    static GUARD: AtomicU32 = AtomicU32::new(0);

    /// A new guard is there.
    pub(crate) fn guarded_by(pid: u32) {
        GUARD.store(pid, Ordering::SeqCst);
    }

    pub(crate) fn reached(_: Transition) {
        let Some(limit) = *LIMIT.get_or_init(limit) else { return };
        if REACHED.fetch_add(1, Ordering::SeqCst) + 1 == limit.transition {
            let guard = i32::try_from(GUARD.load(Ordering::SeqCst)).ok().and_then(Pid::from_raw);
            if let Some(guard) = guard.filter(|_| limit.with_guard) {
                // Before it can see that this process is gone. It may have died by itself.
                let _ = kill_process(guard, Signal::KILL);
            }
            // Not an exit, which would run what a crash does not.
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }

    fn limit() -> Option<Limit> {
        let read = |variable: &str, with_guard| {
            let transition = std::env::var(variable).ok()?.parse().ok()?;
            Some(Limit { transition, with_guard })
        };
        if guard::is_this() {
            return read(OF_GUARD, false);
        }
        read(OF_BOTH, true).or_else(|| read(OF_TEST, false))
    }
}
