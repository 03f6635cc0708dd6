//! The end of the stream arrives later than its last byte.

use super::{Removal, Shape, gate, later};
use crate::proxy::chunk::{Item, Queue};
use crate::proxy::toxic::Toxic;
use std::time::{Duration, Instant};

pub(super) fn shape(delay: Duration) -> Box<dyn Shape> {
    Box::new(SlowClose { delay, waiting: Queue::default(), ended: None })
}

struct SlowClose {
    delay: Duration,
    waiting: Queue,
    /// When the end came in.
    ended: Option<Instant>,
}

impl Shape for SlowClose {
    fn push(&mut self, item: Item, now: Instant) {
        if let Item::End(_) = item {
            self.ended = Some(now);
        }
        self.waiting.push(item);
    }

    fn pop(&mut self, now: Instant) -> Option<Item> {
        match self.waiting.front()? {
            Item::End(_) if self.next_due().is_some_and(|due| due > now) => None,
            _ => self.waiting.pop(),
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let held = self.ended.filter(|_| !self.waiting.is_empty());
        held.map(|ended| later(ended, self.delay))
    }

    fn held(&self) -> usize {
        self.waiting.cost()
    }

    fn room(&self) -> usize {
        gate::ROOM
    }

    fn change(&mut self, toxic: &Toxic, _now: Instant) {
        if let Toxic::SlowClose { delay } = *toxic {
            self.delay = delay;
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

    #[test]
    fn bytes_pass_at_once_and_the_end_waits() {
        let (second, start) = (Duration::from_secs(1), clock::now());
        let mut shape = shape(second);
        shape.push(Item::Data(Chunk::new(b"last")), start);
        shape.push(Item::End(Ending::Fin), start);
        assert_eq!(shape.pop(start), Some(Item::Data(Chunk::new(b"last"))));
        assert_eq!(shape.pop(start), None);
        assert_eq!(shape.next_due(), Some(start + second));
        shape.change(&Toxic::SlowClose { delay: second / 2 }, start);
        assert_eq!(shape.pop(start + second / 2), Some(Item::End(Ending::Fin)));
        assert_eq!(shape.pop(start + second), None);
    }
}
