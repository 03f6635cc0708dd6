//! Data in small pieces, each written by itself.

use super::{Removal, Shape, gate, later};
use crate::chance;
use crate::proxy::chunk::{Item, Queue};
use crate::proxy::toxic::Toxic;
use crate::units::Bytes;
use std::time::{Duration, Instant};

pub(super) fn shape(
    average: Bytes,
    variation: Bytes,
    delay: Duration,
    chance: chance::Stream,
    now: Instant,
) -> Box<dyn Shape> {
    Box::new(Slicer { average, variation, delay, chance, waiting: Queue::default(), free: now })
}

struct Slicer {
    average: Bytes,
    variation: Bytes,
    delay: Duration,
    chance: chance::Stream,
    waiting: Queue,
    /// When the pause after the last piece is over.
    free: Instant,
}

impl Slicer {
    /// How long the next piece is; `None` where data is left as it came.
    fn draw_length(&mut self) -> Option<usize> {
        let (average, variation) = (self.average.get(), self.variation.get());
        if average == 0 {
            return None;
        }
        let above =
            if variation == 0 { 0 } else { self.chance.below(variation.saturating_mul(2).saturating_add(1)) };
        let length = average.saturating_sub(variation).saturating_add(above);
        Some(usize::try_from(length).unwrap_or(usize::MAX).max(1))
    }
}

impl Shape for Slicer {
    fn push(&mut self, item: Item, _now: Instant) {
        self.waiting.push(item);
    }

    fn pop(&mut self, now: Instant) -> Option<Item> {
        let Item::Data(_) = self.waiting.front()? else { return self.waiting.pop() };
        if self.free > now {
            return None;
        }
        let Some(length) = self.draw_length() else { return self.waiting.pop() };
        let piece = self.waiting.split_front(length)?.alone();
        if !self.delay.is_zero() {
            self.free = later(now, self.delay);
        }
        Some(Item::Data(piece))
    }

    fn next_due(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.free)
    }

    fn held(&self) -> usize {
        self.waiting.cost()
    }

    fn room(&self) -> usize {
        gate::ROOM
    }

    fn change(&mut self, toxic: &Toxic, now: Instant) {
        if let Toxic::Slicer { average, variation, delay } = *toxic {
            (self.average, self.variation, self.delay) = (average, variation, delay);
            self.free = now;
        }
    }

    fn remove(self: Box<Self>) -> Removal {
        gate::release(self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::chunk::Chunk;
    use crate::{Seed, clock};
    use proptest::prelude::*;

    fn slicer(average: u64, variation: u64, delay: Duration) -> Box<dyn Shape> {
        let chance = Seed::new(3).stream("slicer");
        shape(Bytes::new(average), Bytes::new(variation), delay, chance, clock::now())
    }

    #[test]
    fn an_average_of_zero_leaves_data_as_it_came() {
        let mut shape = slicer(0, 0, Duration::from_secs(1));
        let now = clock::now();
        shape.push(Item::Data(Chunk::new(&[1; 999])), now);
        shape.push(Item::Data(Chunk::new(&[2; 9])), now);
        assert_eq!(shape.pop(now), Some(Item::Data(Chunk::new(&[1; 999]))));
        assert_eq!(shape.pop(now), Some(Item::Data(Chunk::new(&[2; 9]))));
    }

    #[test]
    fn each_piece_is_followed_by_a_pause() {
        let (second, now) = (Duration::from_secs(1), clock::now());
        let mut shape = slicer(2, 0, second);
        let now = now + second;
        shape.push(Item::Data(Chunk::new(b"abc")), now);
        assert_eq!(shape.pop(now), Some(Item::Data(Chunk::new(b"ab").alone())));
        assert_eq!((shape.pop(now), shape.next_due()), (None, Some(now + second)));
        assert_eq!(shape.pop(now + second), Some(Item::Data(Chunk::new(b"c").alone())));
    }

    proptest! {
        #[test]
        fn pieces_keep_their_bounds_and_nothing_is_lost(
            average in 1..100_u64, part in 0..=100_u64, chunks in prop::collection::vec(1..300_usize, 1..20),
        ) {
            let variation = average * part / 100;
            let (mut shape, now) = (slicer(average, variation, Duration::ZERO), clock::now());
            for len in chunks {
                shape.push(Item::Data(Chunk::new(&vec![0; len])), now);
                let mut left = len as u64;
                while let Some(Item::Data(piece)) = shape.pop(now) {
                    let piece = piece.len() as u64;
                    prop_assert!(piece <= average + variation);
                    prop_assert!(piece >= (average - variation).max(1) || piece == left, "{piece} of {left} left");
                    left -= piece;
                }
                prop_assert_eq!(left, 0);
            }
        }
    }
}
