//! What each toxic does to a connection that it touches: one file a toxic.

mod bandwidth;
mod down;
mod latency;
mod reset_peer;
mod timeout;

use super::chunk::{Ending, Item};
use super::toxic::Toxic;
use crate::chance;
use std::time::{Duration, Instant};

/// What a toxic does to the bytes of one direction.
///
/// It is given the time and never asks for it, so that it can be tested without waiting.
pub(super) trait Shape: Send {
    /// Takes in what comes after all that it already has.
    fn push(&mut self, item: Item, now: Instant);

    /// Gives out what is next, if that is due.
    fn pop(&mut self, now: Instant) -> Option<Item>;

    /// When [`pop`](Self::pop) should be tried again; `None` if no passing of time makes a difference.
    fn next_due(&self) -> Option<Instant>;

    /// The memory that waits here.
    fn held(&self) -> usize;

    /// How much may wait here before the sender is held back.
    fn room(&self) -> usize;

    /// The toxic is taken away: what becomes of what it still holds.
    fn remove(self: Box<Self>) -> Removal;
}

/// What becomes of what a removed toxic still held.
pub(super) enum Removal {
    /// It goes on its way at once.
    Release(Vec<Item>),
    /// It is lost, so the connection is closed: going on would leave a hole in the stream.
    Close,
}

/// What one toxic does to one connection.
#[derive(Default)]
pub(super) struct Effect {
    /// To the bytes of the toxic's direction.
    pub(super) shape: Option<Box<dyn Shape>>,
    /// To the connection, this long after they met.
    pub(super) end: Option<(Duration, Ending)>,
}

/// Which of the two came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meeting {
    /// The connection: it was open when the toxic was added.
    Live,
    /// The toxic: the connection was opened under it.
    New,
}

/// What a toxic acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The bytes of one direction.
    Bytes,
    /// The connection as a whole.
    Connection,
}

/// What `toxic` does to one connection; `chance` is that connection's own.
pub(super) fn effect(toxic: Toxic, meeting: Meeting, chance: chance::Stream, now: Instant) -> Effect {
    match toxic {
        Toxic::Latency { delay, jitter } => latency::effect(delay, jitter, chance),
        Toxic::Bandwidth { rate } => bandwidth::effect(rate, now),
        Toxic::Timeout { after } => timeout::effect(after),
        Toxic::ResetPeer { after } => reset_peer::effect(after),
        Toxic::Down => down::effect(meeting),
    }
}

pub(super) fn scope(toxic: Toxic) -> Scope {
    match toxic {
        Toxic::Latency { .. } | Toxic::Bandwidth { .. } | Toxic::Timeout { .. } => Scope::Bytes,
        Toxic::ResetPeer { .. } | Toxic::Down => Scope::Connection,
    }
}

/// What is wrong with `toxic`, if anything.
pub(super) fn check(toxic: Toxic) -> Result<(), &'static str> {
    match toxic {
        Toxic::Bandwidth { rate } => bandwidth::check(rate),
        _ => Ok(()),
    }
}

/// `now` and `duration` later, however long that is.
pub(super) fn later(now: Instant, duration: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    now.checked_add(duration).unwrap_or(now + FAR)
}
