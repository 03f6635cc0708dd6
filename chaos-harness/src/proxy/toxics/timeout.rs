//! A black hole: bytes go in, none come out.

use super::{Removal, Shape, gate};
use crate::proxy::chunk::{Item, Queue};
use crate::proxy::toxic::Toxic;
use std::time::Instant;

pub(super) fn shape() -> Box<dyn Shape> {
    Box::new(BlackHole::default())
}

#[derive(Default)]
struct BlackHole {
    withheld: Queue,
}

impl Shape for BlackHole {
    fn push(&mut self, item: Item, _now: Instant) {
        self.withheld.push(item);
    }

    fn pop(&mut self, _now: Instant) -> Option<Item> {
        None
    }

    fn next_due(&self) -> Option<Instant> {
        None
    }

    fn held(&self) -> usize {
        self.withheld.cost()
    }

    fn room(&self) -> usize {
        gate::ROOM
    }

    /// When the connection is closed is not a matter of its bytes.
    fn change(&mut self, _toxic: &Toxic, _now: Instant) {}

    fn remove(self: Box<Self>) -> Removal {
        // An end that was withheld is only late.
        if self.withheld.bytes() == 0 { gate::release(self.withheld) } else { Removal::Close }
    }
}
