//! A toxic that a connection has met, whether or not it was chosen.

use super::active::ActiveToxic;
use super::chunk::Ending;
use super::counters::ToxicTally;
use super::link::ToxicId;
use super::seats::Seat;
use super::toxic::{Stream, Toxic};
use super::toxics::{self, Meeting, Opening, later};
use std::sync::Arc;
use std::time::Instant;

pub(super) struct Met {
    pub(super) toxic: ToxicId,
    /// Where bytes count as carried under it; `None` for either direction.
    stream: Option<Stream>,
    pub(super) touched: bool,
    carried: bool,
    /// Whether the touched bytes are counted where the slices are.
    sliced: bool,
    pub(super) end: Option<(Instant, Ending)>,
    pub(super) opening: Opening,
    /// Its place, where the toxic limits connections.
    pub(super) seat: Option<Seat>,
    pub(super) tally: Arc<ToxicTally>,
}

impl Met {
    pub(super) fn new(toxic: &ActiveToxic, touched: bool) -> Self {
        Self {
            toxic: toxic.id,
            stream: toxic.counted(),
            touched,
            carried: false,
            sliced: toxic.is_sliced(),
            end: None,
            opening: Opening::default(),
            seat: None,
            tally: toxic.tally(),
        }
    }

    /// Takes over what the toxic does to this connection as a whole.
    pub(super) fn act(&mut self, toxic: &ActiveToxic, connection: u64, meeting: Meeting, now: Instant) {
        self.seat = toxic.seats().map(|seats| match meeting {
            Meeting::Live => seats.keep(),
            Meeting::New => seats.claim(),
        });
        self.set_end(toxic.toxic(), meeting, now);
        if meeting == Meeting::New {
            self.opening = toxic.opening(connection, now);
            if self.stream.is_none() {
                self.carry();
            }
        }
    }

    /// When and how the toxic ends the connection, counted from now.
    pub(super) fn set_end(&mut self, toxic: &Toxic, meeting: Meeting, now: Instant) {
        let waits = self.seat.as_ref().is_some_and(|seat| !seat.is_held());
        let end = match *toxic {
            Toxic::LimitConnections { wait, .. } if waits => Some((wait, Ending::Reset)),
            _ => toxics::end(toxic, meeting),
        };
        self.end = end.map(|(after, ending)| (later(now, after), ending));
    }

    /// The toxic has decided anew, and touches the connection that it had spared.
    pub(super) fn follow(&mut self, spared: &Self) {
        self.carried = spared.carried;
        self.tally.retouches(true);
    }

    /// The toxic has decided anew, and spares the connection that it had touched.
    pub(super) fn spare(&mut self) {
        self.touched = false;
        (self.end, self.opening, self.seat) = (None, Opening::default(), None);
        self.tally.retouches(false);
    }

    /// A request begins.
    pub(super) fn asks(&self) {
        self.tally.asks(self.touched);
    }

    /// Bytes have arrived that go the way of `stream`.
    pub(super) fn count(&mut self, stream: Stream, bytes: u64) {
        if self.stream.is_none_or(|its| its == stream) {
            self.carry();
            self.tally.considers_bytes(bytes);
            if self.touched && !self.sliced {
                self.tally.touches_bytes(bytes);
            }
        }
    }

    pub(super) fn carry(&mut self) {
        if !self.carried {
            self.carried = true;
            self.tally.carries(self.touched);
        }
    }

    /// The toxic has ended the connection.
    pub(super) fn closes(&mut self) {
        self.carry();
        self.tally.closes();
    }
}
