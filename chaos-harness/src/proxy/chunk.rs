//! What travels through a link.

use bytes::Bytes;
use std::collections::VecDeque;
use std::io::IoSlice;

/// How a stream of bytes, or a whole connection, ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// In order: after the last byte, the reader sees the end of the stream.
    Fin,
    /// In order, and the connection with it: nothing passes the other way any more either.
    Close,
    /// Abruptly: the reader sees `ECONNRESET`.
    Reset,
}

/// Bytes that were read at one time, or a part of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    bytes: Bytes,
    /// Whether it is written by itself, and not together with its neighbours.
    alone: bool,
}

impl Chunk {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self { bytes: Bytes::copy_from_slice(bytes), alone: false }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes the first `count` bytes off, or all if there are fewer. Copies nothing.
    pub(super) fn split_to(&mut self, count: usize) -> Self {
        Self { bytes: self.bytes.split_to(count.min(self.len())), alone: self.alone }
    }

    /// The same bytes, to be written by themselves.
    pub(super) fn alone(self) -> Self {
        Self { alone: true, ..self }
    }
}

/// What is written at one time: enough to be worth a call, and not so much that others wait for it.
const WRITE_BYTES: usize = 128 << 10;

/// What an item takes beside its bytes.
const OVERHEAD: usize = 96;

/// One thing on its way, in order with all others.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Data(Chunk),
    End(Ending),
}

impl Item {
    /// The memory this takes. More than its bytes: a peer that writes single bytes must not get past the bound.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Data(chunk) => chunk.len() + OVERHEAD,
            Self::End(_) => OVERHEAD,
        }
    }
}

/// How many slices go out in one call, and how.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Batch {
    /// As one stretch of bytes.
    Together(usize),
    /// Each as a piece of its own.
    Apart(usize),
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

    pub(super) fn front(&self) -> Option<&Item> {
        self.items.front()
    }

    /// Takes the first `count` bytes off the chunk in front; all of it if there are fewer.
    pub(super) fn split_front(&mut self, count: usize) -> Option<Chunk> {
        match self.items.front_mut()? {
            Item::Data(chunk) if chunk.len() > count => {
                self.cost -= count;
                Some(chunk.split_to(count))
            }
            Item::Data(_) => match self.pop()? {
                Item::Data(chunk) => Some(chunk),
                Item::End(_) => None,
            },
            Item::End(_) => None,
        }
    }

    /// The bytes of data that wait.
    pub(super) fn bytes(&self) -> u64 {
        (self.cost - self.items.len() * OVERHEAD) as u64
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

    /// The leading data, as far as it fits into `slices` and goes out in one call.
    pub(super) fn leading<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> Batch {
        let apart = matches!(self.items.front(), Some(Item::Data(chunk)) if chunk.alone);
        let (mut filled, mut bytes) = (0, 0);
        for (slice, item) in slices.iter_mut().zip(&self.items) {
            let Item::Data(chunk) = item else { break };
            if chunk.alone != apart || bytes >= WRITE_BYTES {
                break;
            }
            *slice = IoSlice::new(chunk.as_slice());
            filled += 1;
            bytes += chunk.len();
        }
        if apart { Batch::Apart(filled) } else { Batch::Together(filled) }
    }

    /// Drops the first `count` bytes: they were written.
    pub(super) fn consume(&mut self, mut count: usize) {
        while count > 0 {
            let Some(written) = self.split_front(count) else { return };
            count -= written.len();
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
        let Batch::Together(filled) = queue.leading(&mut slices) else { panic!("nothing is alone") };
        let left: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
        assert_eq!(left, b"ef");
        queue.consume(2);
        assert_eq!(queue.pop(), Some(Item::End(Ending::Fin)));
        assert_eq!((queue.cost(), queue.is_empty()), (0, true));
    }

    #[test]
    fn a_chunk_that_is_alone_shares_no_write() {
        let mut queue = Queue::default();
        queue.push(Item::Data(Chunk::new(b"ab")));
        queue.push(Item::Data(Chunk::new(b"cd").alone()));
        queue.push(Item::Data(Chunk::new(b"ef")));
        queue.push(Item::Data(Chunk::new(b"gh").alone()));
        queue.push(Item::Data(Chunk::new(b"ij").alone()));
        let expected =
            [(Batch::Together(1), 2), (Batch::Apart(1), 1), (Batch::Apart(1), 1), (Batch::Together(1), 2)];
        for (expected, written) in expected.into_iter().chain([(Batch::Apart(2), 3), (Batch::Apart(1), 1)]) {
            let mut slices = [IoSlice::new(&[]); 8];
            assert_eq!(queue.leading(&mut slices), expected);
            queue.consume(written);
        }
        assert!(queue.is_empty());
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
