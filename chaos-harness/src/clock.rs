//! The one place that reads a clock or waits for one.
//!
//! `clippy.toml` bans the functions used here everywhere else, so that what depends on time can be found by
//! looking for `clock::`.
#![expect(clippy::disallowed_methods, reason = "this is the module the ban points to")]

use std::time::{Duration, Instant, SystemTime};

/// The monotonic clock: for durations and deadlines.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The wall clock, since the Unix epoch: for what a person reads, never for durations.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Waits on an async task until `deadline`.
#[cfg(not(target_os = "linux"))]
pub(crate) async fn sleep_until(deadline: Instant) {
    tokio::time::sleep_until(deadline.into()).await;
}

/// Waits on an async task for `duration`.
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Looks every 2 ms until there is something to be seen, and one last time when `within` is over. Blocks this thread: for
/// what takes another process moments.
pub(crate) fn look_until_seen<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = now() + within;
    loop {
        let is_last = now() >= deadline;
        match look() {
            None if !is_last => block_until(now() + Duration::from_millis(2)),
            seen => return seen,
        }
    }
}

/// Blocks this thread until `deadline`: for threads of the harness's own.
pub(crate) fn block_until(deadline: Instant) {
    std::thread::sleep(deadline.saturating_duration_since(now()));
}
