//! So many bytes pass, and then the connection is closed.

use super::{Removal, Shape, gate};
use crate::proxy::chunk::{Ending, Item, Queue};
use crate::proxy::toxic::Toxic;
use crate::units::Bytes;
use std::time::Instant;

pub(super) fn shape(bytes: Bytes) -> Box<dyn Shape> {
    Box::new(LimitData { limit: bytes.get(), passed: 0, through: Queue::default(), closed: false })
}

struct LimitData {
    limit: u64,
    passed: u64,
    /// What is within the limit. The rest is dropped: it will never arrive.
    through: Queue,
    closed: bool,
}

impl Shape for LimitData {
    fn push(&mut self, item: Item, _now: Instant) {
        if self.closed {
            return;
        }
        match item {
            Item::Data(mut chunk) => {
                let left = usize::try_from(self.limit.saturating_sub(self.passed)).unwrap_or(usize::MAX);
                let within = chunk.split_to(left);
                self.passed += within.len() as u64;
                if within.len() > 0 {
                    self.through.push(Item::Data(within));
                }
                if self.passed >= self.limit {
                    self.closed = true;
                    self.through.push(Item::End(Ending::Close));
                }
            }
            end @ Item::End(_) => self.through.push(end),
        }
    }

    fn pop(&mut self, _now: Instant) -> Option<Item> {
        self.through.pop()
    }

    fn next_due(&self) -> Option<Instant> {
        None
    }

    fn held(&self) -> usize {
        self.through.cost()
    }

    fn room(&self) -> usize {
        gate::ROOM
    }

    /// A limit that is below what has passed already closes the connection at the next byte.
    fn change(&mut self, toxic: &Toxic, _now: Instant) {
        if let Toxic::LimitData { bytes } = *toxic {
            self.limit = bytes.get();
        }
    }

    fn remove(self: Box<Self>) -> Removal {
        gate::release(self.through)
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
        fn just_as_many_bytes_pass_as_are_allowed(limit in 0..200_u64, chunks in prop::collection::vec(1..40_usize, 0..20)) {
            let (mut shape, now) = (shape(Bytes::new(limit)), clock::now());
            let (mut sent, mut passed, mut closed) = (0, 0, false);
            for len in chunks {
                sent += len as u64;
                shape.push(Item::Data(Chunk::new(&vec![0; len])), now);
                while let Some(item) = shape.pop(now) {
                    prop_assert!(!closed, "nothing comes after the end");
                    match item {
                        Item::Data(chunk) => passed += chunk.len() as u64,
                        Item::End(ending) => { prop_assert_eq!(ending, Ending::Close); closed = true; }
                    }
                }
            }
            prop_assert_eq!(passed, sent.min(limit));
            prop_assert_eq!(closed, sent > 0 && sent >= limit);
        }
    }
}
