//! A black hole: bytes go in, none come out.

use super::{Effect, Removal, Shape};
use crate::proxy::chunk::{Ending, Item, Queue};
use std::time::{Duration, Instant};

/// What is taken in before the sender is held back, as an unanswering network would do once its buffers are full.
const WITHHELD_BYTES: usize = 64 << 10;

pub(super) fn effect(after: Duration) -> Effect {
    let end = (!after.is_zero()).then_some((after, Ending::Fin));
    Effect { shape: Some(Box::new(BlackHole::default())), end }
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
        WITHHELD_BYTES
    }

    fn remove(self: Box<Self>) -> Removal {
        if self.withheld.is_empty() { Removal::Release(Vec::new()) } else { Removal::Close }
    }
}
