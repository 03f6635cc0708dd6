//! A toxic that acts on slices of time: what arrives in the others passes it, in its place in the order.

use super::chunk::Item;
use super::counters::ToxicTally;
use super::toxic::Toxic;
use super::toxics::{Removal, Shape};
use crate::chance;
use crate::units::Percent;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

const WHOLE: u128 = 1_000_000;

/// Which stretches of a connection's time are touched: systematically, so that of any `n` in a row `n × share` are, true
/// to within one.
pub(super) struct Slices {
    length: Duration,
    share: Percent,
    /// In millionths.
    offset: u128,
    origin: Instant,
}

impl Slices {
    pub(super) fn new(length: Duration, share: Percent, mut chance: chance::Stream, origin: Instant) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..WHOLE")]
        let offset = (chance.fraction() * WHOLE as f64) as u128;
        Self { length, share, offset, origin }
    }

    fn touches(&self, now: Instant) -> bool {
        let index = now.saturating_duration_since(self.origin).as_nanos() / self.length.as_nanos().max(1);
        let so_far = |slices: u128| (self.offset + slices * u128::from(self.share.ppm())) / WHOLE;
        so_far(index + 1) > so_far(index)
    }
}

/// A shape that gets only what arrives in the touched slices.
pub(super) struct Sliced {
    inner: Box<dyn Shape>,
    slices: Slices,
    tally: Arc<ToxicTally>,
    /// What waits for the inner shape to have given out all that came before.
    waiting: VecDeque<Arrived>,
    cost: usize,
}

struct Arrived {
    at: Instant,
    touched: bool,
    item: Item,
}

impl Sliced {
    pub(super) fn new(inner: Box<dyn Shape>, slices: Slices, tally: Arc<ToxicTally>) -> Self {
        Self { inner, slices, tally, waiting: VecDeque::new(), cost: 0 }
    }
}

impl Shape for Sliced {
    fn push(&mut self, item: Item, now: Instant) {
        let touched = self.slices.touches(now);
        if let (true, Item::Data(chunk)) = (touched, &item) {
            self.tally.touches_bytes(chunk.len() as u64);
        }
        if touched && self.waiting.is_empty() {
            self.inner.push(item, now);
        } else {
            self.cost += item.cost();
            self.waiting.push_back(Arrived { at: now, touched, item });
        }
    }

    fn pop(&mut self, now: Instant) -> Option<Item> {
        loop {
            if let Some(item) = self.inner.pop(now) {
                return Some(item);
            }
            if self.inner.held() > 0 {
                return None;
            }
            let Arrived { at, touched, item } = self.waiting.pop_front()?;
            self.cost -= item.cost();
            if !touched {
                return Some(item);
            }
            self.inner.push(item, at);
        }
    }

    fn next_due(&self) -> Option<Instant> {
        self.inner.next_due()
    }

    fn held(&self) -> usize {
        self.inner.held() + self.cost
    }

    fn room(&self) -> usize {
        self.inner.room()
    }

    fn change(&mut self, toxic: &Toxic, now: Instant) {
        self.inner.change(toxic, now);
    }

    fn change_share(&mut self, share: Percent) {
        self.slices.share = share;
    }

    fn remove(self: Box<Self>) -> Removal {
        match self.inner.remove() {
            Removal::Release(mut items) => {
                items.extend(self.waiting.into_iter().map(|arrived| arrived.item));
                Removal::Release(items)
            }
            Removal::Close => Removal::Close,
        }
    }
}
