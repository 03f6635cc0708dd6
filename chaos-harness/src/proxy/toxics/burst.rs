//! Outages that come and go, for all connections of a route at the same time.

use super::{Removal, Shape, gate, later};
use crate::proxy::chunk::{Item, Queue};
use crate::proxy::toxic::Toxic;
use std::time::{Duration, Instant};

pub(super) fn shape(on: Duration, off: Duration, since: Instant, now: Instant) -> Box<dyn Shape> {
    let mut burst = Burst { on, off, since, waiting: Queue::default(), opens: now };
    burst.look(now);
    Box::new(burst)
}

/// How much longer the outage of now lasts; nothing between two of them.
pub(super) fn rest_of_outage(on: Duration, off: Duration, since: Instant, now: Instant) -> Duration {
    let period = on.saturating_add(off).as_nanos().max(1);
    let into = now.saturating_duration_since(since).as_nanos() % period;
    let rest = on.as_nanos().saturating_sub(into);
    Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX))
}

struct Burst {
    on: Duration,
    off: Duration,
    since: Instant,
    waiting: Queue,
    /// When the outage that was last looked at ends.
    opens: Instant,
}

impl Burst {
    /// Whether things pass now.
    fn look(&mut self, now: Instant) -> bool {
        let rest = rest_of_outage(self.on, self.off, self.since, now);
        self.opens = later(now, rest);
        rest.is_zero()
    }
}

impl Shape for Burst {
    fn push(&mut self, item: Item, _now: Instant) {
        self.waiting.push(item);
    }

    fn pop(&mut self, now: Instant) -> Option<Item> {
        if self.look(now) { self.waiting.pop() } else { None }
    }

    fn next_due(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.opens)
    }

    fn held(&self) -> usize {
        self.waiting.cost()
    }

    fn room(&self) -> usize {
        gate::ROOM
    }

    fn change(&mut self, toxic: &Toxic, now: Instant) {
        if let Toxic::Burst { on, off } = *toxic {
            (self.on, self.off, self.since) = (on, off, now);
            self.look(now);
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
    use crate::proxy::chunk::Chunk;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn things_pass_between_outages_and_wait_through_them(on in 1..50_u64, off in 1..50_u64, at in 0..1_000_u64) {
            let millis = Duration::from_millis;
            let start = clock::now();
            let now = start + millis(at);
            let mut shape = shape(millis(on), millis(off), start, now);
            shape.push(Item::Data(Chunk::new(b"x")), now);
            let into = at % (on + off);
            prop_assert_eq!(shape.pop(now).is_some(), into >= on);
            if into < on {
                prop_assert_eq!(shape.next_due(), Some(now + millis(on - into)));
                prop_assert!(shape.pop(now + millis(on - into)).is_some());
            }
        }
    }
}
