//! What callers ask of a connection: prepared without it, and carried out under its lock.

use super::active::ActiveToxic;
use super::link::ToxicId;
use super::met::Met;
use super::toxic::{Stream, Toxic};
use super::toxics::{Meeting, Shape};
use crate::units::Percent;
use std::time::Instant;

pub(super) enum Request {
    /// A toxic acts on it from now on.
    Meet(Encounter),
    /// A toxic has other parameters from now on.
    Change(Change),
    /// A toxic is gone.
    Part(ToxicId),
    /// It ends, without further ado.
    Close,
}

/// What a toxic that a connection meets does to it.
pub(super) struct Encounter {
    pub(super) met: Met,
    pub(super) up: Option<Box<dyn Shape>>,
    pub(super) down: Option<Box<dyn Shape>>,
}

pub(super) struct Change {
    pub(super) toxic: ToxicId,
    pub(super) to: Toxic,
    pub(super) share: Percent,
    /// What was decided about this connection, where the toxicity is another.
    pub(super) redrawn: Option<Redrawn>,
}

pub(super) enum Redrawn {
    /// The toxic touches it; what that comes to if it did not before.
    Touched(Encounter),
    Spared,
}

impl Encounter {
    pub(super) fn new(
        toxic: &ActiveToxic,
        connection: u64,
        touched: bool,
        meeting: Meeting,
        now: Instant,
    ) -> Self {
        let mut met = Met::new(toxic, touched);
        if meeting == Meeting::New {
            met.asks();
        }
        if !touched {
            return Self { met, up: None, down: None };
        }
        met.act(toxic, connection, meeting, now);
        let shape = |stream| toxic.shape(connection, stream, now);
        Self { met, up: shape(Stream::Upstream), down: shape(Stream::Downstream) }
    }
}
