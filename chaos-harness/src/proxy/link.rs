//! One direction of a connection: read, shape, write.

use super::chunk::{Chunk, Ending, Item, Queue};
use super::toxics::{Removal, Shape};
use socket2::SockRef;
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::net::TcpStream;

/// What is read at one time.
const READ_BYTES: usize = 64 << 10;

/// What may wait for a peer that does not read, before the other is held back.
const EXIT_BYTES: usize = 64 << 10;

/// What one direction may hold in all, whatever its toxics: beyond it the sender is held back. At most one read more.
const LINK_BYTES: usize = 40 << 20;

/// Reads in one turn, after which other connections and callers get theirs.
const READS_PER_TURN: usize = 4;

const SLICES_PER_WRITE: usize = 32;

thread_local! {
    // Shared by all connections of a thread: an idle connection owns no buffer.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// Tells a toxic from all others that a route ever had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ToxicId(pub(super) u64);

/// How far the reading side has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Open,
    /// Its end is on the way to the other peer, or has arrived there.
    Ended,
}

/// How far the writing side has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sink {
    Open,
    /// The end of the stream was delivered.
    Finished,
    /// A reset has come all the way: it is due at the peer.
    Reset,
    /// The peer takes no more bytes: it has reset the connection.
    Gone,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// All is done that could be; the sockets or the clock will say when there is more.
    Waiting,
    /// There is more to do at once.
    Yielded,
}

/// The path of the bytes from one peer to the other, through the shapes of the toxics that touch them.
pub(super) struct Link {
    shapes: Vec<(ToxicId, Box<dyn Shape>)>,
    /// What has passed all shapes and is to be written as soon as the peer takes it.
    exit: Queue,
    source: Source,
    sink: Sink,
    /// Whether bytes have arrived since this was last asked.
    arrived: bool,
}

impl Link {
    pub(super) fn new() -> Self {
        Self {
            shapes: Vec::new(),
            exit: Queue::default(),
            source: Source::Open,
            sink: Sink::Open,
            arrived: false,
        }
    }

    pub(super) fn sink(&self) -> Sink {
        self.sink
    }

    /// Whether bytes have arrived since this was last asked.
    pub(super) fn take_arrived(&mut self) -> bool {
        std::mem::take(&mut self.arrived)
    }

    /// Adds a shape after all others.
    pub(super) fn add(&mut self, toxic: ToxicId, shape: Box<dyn Shape>) {
        self.shapes.push((toxic, shape));
    }

    /// Takes the toxic's shape away, if it has one here. What it held goes on, in its place in the order; or its loss is
    /// answered by [`Removal::Close`].
    #[must_use]
    pub(super) fn remove(&mut self, toxic: ToxicId, now: Instant) -> Removal {
        let Some(position) = self.shapes.iter().position(|(id, _)| *id == toxic) else {
            return Removal::Release(Vec::new());
        };
        let (_, shape) = self.shapes.remove(position);
        match shape.remove() {
            Removal::Release(items) => {
                for item in items {
                    self.enter(position, item, now);
                }
                Removal::Release(Vec::new())
            }
            Removal::Close => Removal::Close,
        }
    }

    /// When a shape has something to give out, at the earliest.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.shapes.iter().filter_map(|(_, shape)| shape.next_due()).min()
    }

    /// The reading side's peer was found gone while writing to it: the other peer is told, behind what is on its way.
    pub(super) fn source_gone(&mut self, now: Instant) {
        self.end_source(Ending::Reset, now);
    }

    /// Does what can be done without waiting. `delivered` counts the bytes written.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &TcpStream,
        to: &TcpStream,
        now: Instant,
        delivered: &AtomicU64,
    ) -> Turn {
        for _ in 0..READS_PER_TURN {
            self.advance(now);
            self.write(cx, to, delivered);
            if !self.wants_to_read() || self.read(cx, from, to, now, delivered).is_pending() {
                return Turn::Waiting;
            }
        }
        Turn::Yielded
    }

    /// Moves on what is due.
    fn advance(&mut self, now: Instant) {
        for position in 0..self.shapes.len() {
            while let Some(item) = self.shapes[position].1.pop(now) {
                self.enter(position + 1, item, now);
            }
        }
    }

    /// Hands `item` to the shape at `position`, or to the exit behind the last one.
    fn enter(&mut self, position: usize, item: Item, now: Instant) {
        match self.shapes.get_mut(position) {
            Some((_, shape)) => shape.push(item, now),
            None => self.exit.push(item),
        }
    }

    fn wants_to_read(&self) -> bool {
        let held: usize = self.shapes.iter().map(|(_, shape)| shape.held()).sum();
        self.source == Source::Open
            && self.sink == Sink::Open
            && self.exit.cost() < EXIT_BYTES
            && self.exit.cost() + held < LINK_BYTES
            && self.shapes.iter().all(|(_, shape)| shape.held() < shape.room())
    }

    /// Writes what has come out, as far as the peer takes it.
    fn write(&mut self, cx: &mut Context<'_>, to: &TcpStream, delivered: &AtomicU64) {
        if self.sink == Sink::Gone {
            self.exit.clear();
        }
        while let Some(next) = self.exit.front_mut() {
            match next {
                Item::Data(_) => {
                    if self.write_data(cx, to, delivered).is_pending() {
                        break;
                    }
                }
                Item::End(Ending::Fin) => {
                    self.exit.pop();
                    self.sink = Sink::Finished;
                    // Fails only where the peer has reset the connection; reading from it tells.
                    let _ = SockRef::from(to).shutdown(Shutdown::Write);
                }
                Item::End(Ending::Reset) => break,
            }
        }
        // A reset overtakes bytes that the peer does not take: it would on a network, too.
        if self.exit.has_reset() {
            self.exit.clear();
            self.sink = Sink::Reset;
        }
    }

    fn write_data(&mut self, cx: &mut Context<'_>, to: &TcpStream, delivered: &AtomicU64) -> Poll<()> {
        let written = match to.poll_write_ready(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) => {
                let mut slices = [IoSlice::new(&[]); SLICES_PER_WRITE];
                let filled = self.exit.leading(&mut slices);
                to.try_write_vectored(&slices[..filled])
            }
        };
        match written {
            Ok(written) => {
                delivered.fetch_add(written as u64, Relaxed);
                self.exit.consume(written);
            }
            // Not ready after all: asking again registers for the wake-up.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.lose_sink(),
        }
        Poll::Ready(())
    }

    fn lose_sink(&mut self) {
        self.exit.clear();
        self.sink = Sink::Gone;
    }

    /// Reads once. Pending: there is nothing to read, and the task is woken when there is.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        from: &TcpStream,
        to: &TcpStream,
        now: Instant,
        delivered: &AtomicU64,
    ) -> Poll<()> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let read = match from.poll_read_ready(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => Err(error),
                Poll::Ready(Ok(())) => from.try_read(buffer),
            };
            match read {
                Ok(0) => self.end_source(Ending::Fin, now),
                Ok(read) => self.take_in(&buffer[..read], to, now, delivered),
                // Not ready after all: asking again registers for the wake-up.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.end_source(Ending::Reset, now),
            }
            Poll::Ready(())
        })
    }

    fn end_source(&mut self, ending: Ending, now: Instant) {
        self.source = Source::Ended;
        self.enter(0, Item::End(ending), now);
    }

    fn take_in(&mut self, mut bytes: &[u8], to: &TcpStream, now: Instant, delivered: &AtomicU64) {
        self.arrived = true;
        // With nothing in the way, bytes go from socket to socket without being stored.
        if self.shapes.is_empty() && self.exit.is_empty() {
            match to.try_write(bytes) {
                Ok(written) => {
                    delivered.fetch_add(written as u64, Relaxed);
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return self.lose_sink(),
            }
        }
        if !bytes.is_empty() {
            self.enter(0, Item::Data(Chunk::new(bytes)), now);
        }
    }
}
