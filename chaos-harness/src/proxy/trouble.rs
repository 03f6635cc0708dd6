//! What a listener does while it cannot accept.

use crate::clock;
use std::io;
use std::time::Duration;

/// How long accepting rests after it failed: the cause (most often no free file descriptor) needs time to go away.
const REST: Duration = Duration::from_millis(10);

/// Whether accepting failed the last time: a failure that lasts is told once.
#[derive(Debug, Default)]
pub(super) struct Trouble(bool);

impl Trouble {
    /// It went well.
    pub(super) fn is_over(&mut self) {
        self.0 = false;
    }

    /// It failed, at what is named.
    pub(super) async fn goes_on(&mut self, listener: &str, error: &io::Error) {
        if !std::mem::replace(&mut self.0, true) {
            tracing::warn!(listener, %error, "cannot accept connections for now");
        }
        clock::sleep(REST).await;
    }
}
