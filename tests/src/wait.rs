//! Waiting for what another process does.

use std::time::Duration;

const STEP: Duration = Duration::from_millis(20);
const STEPS: u32 = 1_500;

/// Asks until there is an answer.
///
/// # Panics
///
/// When there is none within half a minute.
#[expect(clippy::panic, reason = "only tests call this, and that is how they fail")]
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..STEPS {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::park_timeout(STEP);
    }
    panic!("waited in vain: {what}");
}

/// Waits until something holds.
///
/// # Panics
///
/// When it does not within half a minute.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}
