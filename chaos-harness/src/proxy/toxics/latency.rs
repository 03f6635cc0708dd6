//! A delay line: each chunk has a time at which it is due, and others follow it meanwhile.

use super::{FAR, Removal, Shape, later};
use crate::chance;
use crate::proxy::chunk::Item;
use crate::proxy::toxic::Toxic;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How much may be in flight on one delayed direction of a connection: 400 MB/s for 100 ms.
///
/// Only what has been sent within the delay is ever here; a link that is full holds its sender back.
const IN_FLIGHT_BYTES: usize = 40 << 20;

pub(super) fn shape(delay: Duration, jitter: Duration, chance: chance::Stream) -> Box<dyn Shape> {
    Box::new(DelayLine { delay, jitter, chance, in_flight: VecDeque::new(), cost: 0 })
}

/// `delay`, give or take the jitter; never less than nothing.
pub(super) fn vary(delay: Duration, jitter: Duration, chance: &mut chance::Stream) -> Duration {
    if jitter.is_zero() {
        return delay;
    }
    let deviation = 2.0 * chance.fraction() - 1.0;
    let size = jitter.min(FAR).mul_f64(deviation.abs());
    if deviation < 0.0 { delay.saturating_sub(size) } else { delay.saturating_add(size) }
}

struct DelayLine {
    delay: Duration,
    jitter: Duration,
    chance: chance::Stream,
    in_flight: VecDeque<(Instant, Item)>,
    cost: usize,
}

impl Shape for DelayLine {
    fn push(&mut self, item: Item, now: Instant) {
        let due = later(now, vary(self.delay, self.jitter, &mut self.chance));
        // A stream keeps its order: with a shorter delay than its predecessor, a chunk arrives together with it.
        let due = self.in_flight.back().map_or(due, |(last, _)| due.max(*last));
        self.cost += item.cost();
        self.in_flight.push_back((due, item));
    }

    fn pop(&mut self, now: Instant) -> Option<Item> {
        self.next_due().filter(|due| *due <= now)?;
        let (_, item) = self.in_flight.pop_front()?;
        self.cost -= item.cost();
        Some(item)
    }

    fn next_due(&self) -> Option<Instant> {
        self.in_flight.front().map(|(due, _)| *due)
    }

    fn held(&self) -> usize {
        self.cost
    }

    fn room(&self) -> usize {
        IN_FLIGHT_BYTES
    }

    fn change(&mut self, toxic: &Toxic, now: Instant) {
        if let Toxic::Latency { delay, jitter } = *toxic {
            (self.delay, self.jitter) = (delay, jitter);
            // What is on its way arrives no later than what is sent from now on.
            let latest = later(now, delay);
            for (due, _) in &mut self.in_flight {
                *due = latest.min(*due);
            }
        }
    }

    fn remove(self: Box<Self>) -> Removal {
        Removal::Release(self.in_flight.into_iter().map(|(_, item)| item).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::chunk::{Chunk, Ending};
    use crate::{Seed, clock};
    use proptest::prelude::*;

    fn line(delay: u64, jitter: u64) -> Box<dyn Shape> {
        let millis = Duration::from_millis;
        shape(millis(delay), millis(jitter), Seed::new(5).stream("jitter"))
    }

    fn data(byte: u8) -> Item {
        Item::Data(Chunk::new(&[byte]))
    }

    #[test]
    fn nothing_is_early_and_the_end_is_delayed_too() {
        let (mut line, start) = (line(100, 0), clock::now());
        let at = |millis| start + Duration::from_millis(millis);
        line.push(data(1), at(0));
        line.push(Item::End(Ending::Fin), at(30));
        assert_eq!((line.pop(at(99)), line.next_due()), (None, Some(at(100))));
        assert_eq!(line.pop(at(100)), Some(data(1)));
        assert_eq!((line.pop(at(129)), line.next_due()), (None, Some(at(130))));
        assert_eq!(line.pop(at(130)), Some(Item::End(Ending::Fin)));
        assert_eq!((line.held(), line.next_due()), (0, None));
    }

    #[test]
    fn a_delay_beyond_the_clock_only_means_never() {
        let (mut line, now) = (line(u64::MAX, u64::MAX), clock::now());
        line.push(data(1), now);
        assert_eq!(line.pop(now + Duration::from_secs(1_000)), None);
    }

    proptest! {
        #[test]
        fn jitter_keeps_order_and_bounds(
            delay in 0..50_u64, jitter in 0..80_u64, gaps in prop::collection::vec(0..20_u64, 1..100),
        ) {
            let (mut line, start) = (line(delay, jitter), clock::now());
            let mut sent = Vec::new();
            let mut last = start;
            for (index, gap) in gaps.iter().enumerate() {
                last += Duration::from_millis(*gap);
                sent.push(last);
                line.push(Item::Data(Chunk::new(&index.to_le_bytes())), last);
            }
            let mut latest = start;
            for (index, sent) in sent.iter().enumerate() {
                let due = line.next_due().expect("not all have come out");
                prop_assert!(due >= *sent + Duration::from_millis(delay.saturating_sub(jitter)));
                prop_assert!(due <= (*sent + Duration::from_millis(delay + jitter)).max(latest));
                latest = due;
                prop_assert_eq!(line.pop(due), Some(Item::Data(Chunk::new(&index.to_le_bytes()))));
            }
        }
    }
}
