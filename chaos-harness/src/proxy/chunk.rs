//! What travels through a link.

use std::collections::VecDeque;
use std::io::IoSlice;

/// How a stream of bytes, or a whole connection, ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// In order: after the last byte, the reader sees the end of the stream.
    Fin,
    /// Abruptly: the reader sees `ECONNRESET`.
    Reset,
}

/// Bytes that were read at one time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    start: usize,
}

impl Chunk {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), start: 0 }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Takes the first `count` bytes off, or all if there are fewer.
    pub(super) fn split_to(&mut self, count: usize) -> Self {
        let head = Self::new(&self.as_slice()[..count.min(self.len())]);
        self.start += head.len();
        head
    }
}

/// One thing on its way, in order with all others.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Data(Chunk),
    End(Ending),
}

impl Item {
    /// The memory this takes. More than its bytes: a peer that writes single bytes must not get past the bound.
    pub(super) fn cost(&self) -> usize {
        const OVERHEAD: usize = 96;
        match self {
            Self::Data(chunk) => chunk.bytes.len() + OVERHEAD,
            Self::End(_) => OVERHEAD,
        }
    }
}

/// Items in order, and what they cost.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: VecDeque<Item>,
    cost: usize,
}

impl Queue {
    pub(super) fn push(&mut self, item: Item) {
        self.cost += item.cost();
        self.items.push_back(item);
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.cost -= item.cost();
        Some(item)
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut Item> {
        self.items.front_mut()
    }

    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn has_reset(&self) -> bool {
        // A reset is the last thing a stream does.
        self.items.back() == Some(&Item::End(Ending::Reset))
    }

    /// The leading data, as far as it fits into `slices`; how many slices were filled.
    pub(super) fn leading<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, item) in slices.iter_mut().zip(&self.items) {
            let Item::Data(chunk) = item else { break };
            *slice = IoSlice::new(chunk.as_slice());
            filled += 1;
        }
        filled
    }

    /// Drops the first `count` bytes: they were written.
    pub(super) fn consume(&mut self, mut count: usize) {
        while let Some(Item::Data(chunk)) = self.items.front_mut() {
            if count < chunk.len() {
                chunk.start += count;
                return;
            }
            count -= chunk.len();
            self.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_consumed_goes_off_the_front_whatever_the_chunks() {
        let mut queue = Queue::default();
        for part in ["abc", "de", "f"] {
            queue.push(Item::Data(Chunk::new(part.as_bytes())));
        }
        queue.push(Item::End(Ending::Fin));
        queue.consume(4);
        let mut slices = [IoSlice::new(&[]); 8];
        let filled = queue.leading(&mut slices);
        let left: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
        assert_eq!(left, b"ef");
        queue.consume(2);
        assert_eq!(queue.pop(), Some(Item::End(Ending::Fin)));
        assert_eq!((queue.cost(), queue.is_empty()), (0, true));
    }

    #[test]
    fn a_split_chunk_keeps_its_bytes_in_order() {
        let mut tail = Chunk::new(b"abcdef");
        assert_eq!(tail.split_to(2).as_slice(), b"ab");
        assert_eq!(tail.as_slice(), b"cdef");
        assert_eq!(tail.split_to(99).as_slice(), b"cdef");
        assert_eq!(tail.len(), 0);
    }
}
