//! A limit on bytes per second, in slices small enough not to show as bursts.

use super::{Removal, Shape, gate, later};
use crate::proxy::chunk::{Item, Queue};
use crate::proxy::toxic::Toxic;
use crate::units::ByteRate;
use std::time::{Duration, Instant};

/// Data is let through in pieces of at most this much time.
const SLICE: Duration = Duration::from_millis(3);

/// How far the limit may lag behind and catch up: what late wake-ups lose. A pause of the sender earns nothing.
const CATCH_UP: Duration = Duration::from_millis(50);

/// What may wait for its turn: as much as passes in this time, so that a late sender leaves no gap, and yet little, so that
/// it soon feels the limit.
const WAITING: Duration = Duration::from_millis(10);
const LEAST_WAITING_BYTES: usize = gate::ROOM;
const MOST_WAITING_BYTES: usize = 4 << 20;

pub(super) fn shape(rate: ByteRate, now: Instant) -> Box<dyn Shape> {
    Box::new(TokenBucket { rate, waiting: Queue::default(), free: now })
}

struct TokenBucket {
    rate: ByteRate,
    waiting: Queue,
    /// When the line has sent all that was let through, at its rate.
    free: Instant,
}

impl TokenBucket {
    /// At a rate of zero nothing ever passes.
    fn is_shut(&self) -> bool {
        self.rate.bytes_per_second() == 0
    }

    /// What passes in this time.
    fn bytes_in(&self, time: Duration) -> usize {
        let bytes = u128::from(self.rate.bytes_per_second()) * time.as_nanos() / 1_000_000_000;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    fn time_for(&self, bytes: usize) -> Duration {
        let nanos = bytes as u128 * 1_000_000_000 / u128::from(self.rate.bytes_per_second().max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Shape for TokenBucket {
    fn push(&mut self, item: Item, now: Instant) {
        if self.waiting.is_empty() {
            self.free = self.free.max(now.checked_sub(SLICE).unwrap_or(now));
        }
        self.waiting.push(item);
    }

    fn pop(&mut self, now: Instant) -> Option<Item> {
        let Item::Data(_) = self.waiting.front()? else { return self.waiting.pop() };
        if self.is_shut() || self.free > now {
            return None;
        }
        let chunk = self.waiting.split_front(self.bytes_in(SLICE).max(1))?;
        let resumed = now.checked_sub(CATCH_UP).map_or(self.free, |earliest| self.free.max(earliest));
        self.free = later(resumed, self.time_for(chunk.len()));
        Some(Item::Data(chunk))
    }

    fn next_due(&self) -> Option<Instant> {
        (!self.waiting.is_empty() && !self.is_shut()).then_some(self.free)
    }

    fn held(&self) -> usize {
        self.waiting.cost()
    }

    fn room(&self) -> usize {
        self.bytes_in(WAITING).clamp(LEAST_WAITING_BYTES, MOST_WAITING_BYTES)
    }

    fn change(&mut self, toxic: &Toxic, now: Instant) {
        if let Toxic::Bandwidth { rate } = *toxic {
            (self.rate, self.free) = (rate, now);
        }
    }

    fn remove(self: Box<Self>) -> Removal {
        gate::release(self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::proxy::chunk::{Chunk, Ending};
    use crate::units::Bytes;
    use proptest::prelude::*;

    /// Lets everything through, waking as late as `lag` says; when each piece came out, and how long it was.
    fn run(rate: u64, chunks: &[usize], lag: Duration) -> Vec<(Duration, usize)> {
        let start = clock::now();
        let mut bucket = shape(Bytes::new(rate).per_second(), start);
        for len in chunks {
            bucket.push(Item::Data(Chunk::new(&vec![0; *len])), start);
        }
        let (mut now, mut out) = (start, Vec::new());
        while let Some(due) = bucket.next_due() {
            now = now.max(due) + lag;
            while let Some(Item::Data(chunk)) = bucket.pop(now) {
                out.push((now - start, chunk.len()));
            }
        }
        out
    }

    #[test]
    fn at_zero_everything_waits_until_there_is_a_rate() {
        let start = clock::now();
        let mut bucket = shape(Bytes::new(0).per_second(), start);
        bucket.push(Item::Data(Chunk::new(b"x")), start);
        let late = start + Duration::from_secs(10);
        assert_eq!((bucket.pop(late), bucket.next_due()), (None, None));
        bucket.change(&Toxic::Bandwidth { rate: Bytes::new(1).per_second() }, late);
        assert_eq!(bucket.pop(late), Some(Item::Data(Chunk::new(b"x"))));
    }

    #[test]
    fn a_pause_earns_no_burst() {
        let start = clock::now();
        let mut bucket = shape(Bytes::new(1_000_000).per_second(), start);
        let late = start + Duration::from_secs(10);
        bucket.push(Item::Data(Chunk::new(&vec![0; 100_000])), late);
        let burst: usize = std::iter::from_fn(|| bucket.pop(late)).map(|item| item.cost() - 96).sum();
        assert!(burst <= 20_000, "{burst} bytes at once");
    }

    #[test]
    fn the_end_waits_for_the_data_before_it() {
        let start = clock::now();
        let mut bucket = shape(Bytes::new(1_000).per_second(), start);
        bucket.push(Item::Data(Chunk::new(&[0; 10])), start);
        bucket.push(Item::End(Ending::Fin), start);
        assert!(matches!(bucket.pop(start), Some(Item::Data(_))));
        assert!(bucket.pop(start).is_none());
    }

    proptest! {
        #[test]
        fn the_rate_is_kept_in_small_slices(
            rate in 100_000..200_000_000_u64,
            chunks in prop::collection::vec(1..65_536_usize, 1..40),
            lag in 0..3_000_u64,
        ) {
            let out = run(rate, &chunks, Duration::from_micros(lag));
            let total: usize = chunks.iter().sum();
            prop_assert_eq!(out.iter().map(|(_, len)| len).sum::<usize>(), total);
            let last = out.last().expect("there was data");
            let ideal = (total - last.1) as f64 / rate as f64;
            let took = last.0.as_secs_f64();
            // Never faster than the rate, beyond the one catch-up; slower only by the last wake-up's lag.
            prop_assert!(took >= ideal - 0.011, "{} < {}", took, ideal);
            prop_assert!(took <= ideal + 0.004 + ideal * 0.01, "{} > {}", took, ideal);
            prop_assert!(out.windows(2).all(|pair| pair[1].0 <= pair[0].0 + Duration::from_millis(10)));
        }
    }
}
