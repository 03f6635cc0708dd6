//! The one timer of a connection.

use crate::clock;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Wakes its task at a deadline that may be moved.
#[derive(Default)]
pub(super) struct Timer {
    armed: Option<(Instant, Sleep)>,
}

impl Timer {
    /// Ready once `deadline` has passed; with no deadline, never.
    pub(super) fn poll_at(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else {
            self.armed = None;
            return Poll::Pending;
        };
        let (_, sleep) = match &mut self.armed {
            Some(armed) if armed.0 == deadline => armed,
            armed => armed.insert((deadline, Box::pin(clock::sleep_until(deadline)))),
        };
        let polled = sleep.as_mut().poll(cx);
        if polled.is_ready() {
            self.armed = None;
        }
        polled
    }
}
