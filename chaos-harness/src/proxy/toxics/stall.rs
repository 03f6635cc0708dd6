//! So many bytes pass, and the rest is held back: for a while, or until the toxic is gone.

use super::{Removal, Shape, gate, later};
use crate::proxy::chunk::{Item, Queue};
use crate::proxy::toxic::Toxic;
use crate::units::Bytes;
use std::time::{Duration, Instant};

pub(super) fn shape(after: Bytes, hold: Duration) -> Box<dyn Shape> {
    Box::new(Stall { after: after.get(), hold, passed: 0, waiting: Queue::default(), stalled: None })
}

struct Stall {
    after: u64,
    hold: Duration,
    passed: u64,
    waiting: Queue,
    /// When bytes were first held back.
    stalled: Option<Instant>,
}

impl Stall {
    fn is_over(&self, now: Instant) -> bool {
        self.next_due().is_some_and(|due| due <= now)
    }
}

impl Shape for Stall {
    fn push(&mut self, item: Item, now: Instant) {
        self.waiting.push(item);
        if self.stalled.is_none() && self.passed + self.waiting.bytes() > self.after {
            self.stalled = Some(now);
        }
    }

    fn pop(&mut self, now: Instant) -> Option<Item> {
        let left = usize::try_from(self.after.saturating_sub(self.passed)).unwrap_or(usize::MAX);
        let over = self.is_over(now);
        let item = match self.waiting.front()? {
            Item::Data(chunk) if over || chunk.len() <= left => self.waiting.pop()?,
            Item::Data(_) if left == 0 => return None,
            Item::Data(_) => Item::Data(self.waiting.split_front(left)?),
            Item::End(_) if over || self.stalled.is_none() => self.waiting.pop()?,
            Item::End(_) => return None,
        };
        if let Item::Data(chunk) = &item {
            self.passed = self.passed.saturating_add(chunk.len() as u64);
        }
        Some(item)
    }

    fn next_due(&self) -> Option<Instant> {
        let held = !self.hold.is_zero() && !self.waiting.is_empty();
        self.stalled.filter(|_| held).map(|stalled| later(stalled, self.hold))
    }

    fn held(&self) -> usize {
        self.waiting.cost()
    }

    fn room(&self) -> usize {
        gate::ROOM
    }

    fn change(&mut self, toxic: &Toxic, now: Instant) {
        if let Toxic::Stall { after, hold } = *toxic {
            (self.after, self.hold) = (after.get(), hold);
            self.stalled = (self.passed + self.waiting.bytes() > self.after).then_some(now);
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

    fn data(bytes: &[u8]) -> Item {
        Item::Data(Chunk::new(bytes))
    }

    #[test]
    fn so_many_bytes_pass_and_the_rest_waits_its_time() {
        let (second, start) = (Duration::from_secs(1), clock::now());
        let mut shape = shape(Bytes::new(3), second);
        shape.push(data(b"ab"), start);
        assert_eq!((shape.pop(start), shape.next_due()), (Some(data(b"ab")), None));
        shape.push(data(b"cde"), start);
        assert_eq!(shape.pop(start), Some(data(b"c")));
        assert_eq!((shape.pop(start), shape.next_due()), (None, Some(start + second)));
        shape.push(Item::End(Ending::Fin), start);
        assert_eq!(shape.pop(start + second), Some(data(b"de")));
        assert_eq!(shape.pop(start + second), Some(Item::End(Ending::Fin)));
    }

    #[test]
    fn with_no_time_given_it_holds_for_ever_and_lets_go_when_removed() {
        let start = clock::now();
        let mut shape = shape(Bytes::new(0), Duration::ZERO);
        shape.push(data(b"ab"), start);
        shape.push(Item::End(Ending::Fin), start);
        assert_eq!((shape.pop(start + Duration::from_secs(9_999)), shape.next_due()), (None, None));
        let Removal::Release(items) = shape.remove() else { panic!("nothing was lost") };
        assert_eq!(items, [data(b"ab"), Item::End(Ending::Fin)]);
    }

    #[test]
    fn a_stream_that_ends_before_is_not_touched() {
        let start = clock::now();
        let mut shape = shape(Bytes::new(3), Duration::ZERO);
        shape.push(data(b"abc"), start);
        shape.push(Item::End(Ending::Fin), start);
        assert_eq!(shape.pop(start), Some(data(b"abc")));
        assert_eq!(shape.pop(start), Some(Item::End(Ending::Fin)));
    }
}
