//! One direction of a connection: read, shape, write.

use super::chunk::{Batch, Chunk, Ending, Item, Queue};
use super::pieces;
use super::pipe::Pipe;
use super::shared::Shared;
use super::toxic::Toxic;
use super::toxics::{Removal, Shape};
use crate::clock;
use crate::units::Percent;
use socket2::SockRef;
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

/// What is read at one time.
const READ_BYTES: usize = 64 << 10;

/// What may wait for a peer that does not read, before the other is held back.
const EXIT_BYTES: usize = 64 << 10;

/// What one direction may hold in all, whatever its toxics: beyond it the sender is held back. At most one read more.
const LINK_BYTES: usize = 40 << 20;

/// What it may hold even where the proxy's memory is spent: enough to go on.
const SMALL_LINK_BYTES: usize = 128 << 10;

/// Reads in one turn, after which other connections and callers get theirs.
const READS_PER_TURN: usize = 4;

/// How long a turn may write. Small pieces to a peer that does not read cost the system milliseconds each.
const TURN: Duration = Duration::from_micros(200);

/// Full reads in a row after which bytes are moved through a pipe.
const BULK_READS: u8 = 2;

/// What a pipe must bring for that to be worth its while.
const BULK_BYTES: usize = 32 << 10;

const SLICES_PER_WRITE: usize = 128;

thread_local! {
    // Shared by all connections of a thread: an idle connection owns no buffer.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// Tells a toxic from all others that a route ever had. Ascends in the order of their adding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ToxicId(pub(super) u64);

/// How far the reading side has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Open,
    /// Its end is on the way to the other peer, or has arrived there.
    Ended,
    /// So is its reset, which waits for no room.
    Reset,
}

/// How far the writing side has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sink {
    Open,
    /// The end of the stream was delivered.
    Finished,
    /// The end of the stream was delivered, and of the connection with it.
    Closed,
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

/// What a link does its turn with.
pub(super) struct Way<'a, 'w> {
    pub(super) cx: &'a mut Context<'w>,
    pub(super) from: &'a mut TcpStream,
    pub(super) to: &'a mut TcpStream,
    pub(super) now: Instant,
    /// Counts the bytes written.
    pub(super) delivered: &'a AtomicU64,
}

/// The path of the bytes from one peer to the other, through the shapes of the toxics that touch them.
pub(super) struct Link {
    shared: Arc<Shared>,
    shapes: Vec<(ToxicId, Box<dyn Shape>)>,
    /// What has passed all shapes and is to be written as soon as the peer takes it.
    exit: Queue,
    /// Bulk data that passed by us, on its way between the sockets: ahead of what is in the exit.
    pipe: Option<Pipe>,
    /// Reads in a row that filled the buffer.
    full_reads: u8,
    source: Source,
    sink: Sink,
    /// The toxic that closes the connection behind what is on its way.
    closer: Option<ToxicId>,
    /// Bytes that have arrived since this was last asked.
    arrived: u64,
    /// What the proxy's budget knows of.
    charged: usize,
}

impl Link {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            shapes: Vec::new(),
            exit: Queue::default(),
            pipe: None,
            full_reads: 0,
            source: Source::Open,
            sink: Sink::Open,
            closer: None,
            arrived: 0,
            charged: 0,
        }
    }

    pub(super) fn sink(&self) -> Sink {
        self.sink
    }

    /// The toxic that closed the connection, if one did.
    pub(super) fn closer(&self) -> Option<ToxicId> {
        self.closer.filter(|_| self.sink == Sink::Closed)
    }

    /// How many bytes have arrived since this was last asked.
    pub(super) fn take_arrived(&mut self) -> u64 {
        std::mem::take(&mut self.arrived)
    }

    /// Adds a shape behind those of the toxics that were added before.
    pub(super) fn add(&mut self, toxic: ToxicId, shape: Box<dyn Shape>) {
        let position = self.shapes.partition_point(|(other, _)| *other < toxic);
        self.shapes.insert(position, (toxic, shape));
    }

    /// The toxic's parameters are others from now on.
    pub(super) fn change(&mut self, toxic: ToxicId, to: &Toxic, share: Percent, now: Instant) {
        if let Some((_, shape)) = self.shapes.iter_mut().find(|(id, _)| *id == toxic) {
            shape.change(to, now);
            shape.change_share(share);
        }
    }

    /// Takes the toxic's shape away, if it has one here. What it held goes on, in its place in the order. False if it is
    /// lost.
    #[must_use]
    pub(super) fn remove(&mut self, toxic: ToxicId, now: Instant) -> bool {
        let Some(position) = self.shapes.iter().position(|(id, _)| *id == toxic) else { return true };
        let (_, shape) = self.shapes.remove(position);
        let Removal::Release(items) = shape.remove() else { return false };
        for item in items {
            self.enter(position, item, now);
        }
        true
    }

    /// Drops all that is on its way: the connection is over.
    pub(super) fn clear(&mut self) {
        self.shapes.clear();
        self.clear_exit();
        self.settle();
    }

    /// When a shape has something to give out, at the earliest. One that gives out into a full one waits for that.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let waits_for_time = |(position, (_, shape)): (usize, &(ToxicId, Box<dyn Shape>))| {
            if self.has_room(position + 1) { shape.next_due() } else { None }
        };
        self.shapes.iter().enumerate().filter_map(waits_for_time).min()
    }

    /// The reading side's peer was found gone while writing to it: the other peer is told, behind what is on its way.
    pub(super) fn source_gone(&mut self, now: Instant) {
        if self.source == Source::Open {
            self.end_source(Ending::Reset, now);
        }
    }

    /// Does what can be done without waiting.
    pub(super) fn poll(&mut self, mut way: Way<'_, '_>) -> Turn {
        let turn = self.take_turn(&mut way);
        self.settle();
        turn
    }

    fn take_turn(&mut self, way: &mut Way<'_, '_>) -> Turn {
        for _ in 0..READS_PER_TURN {
            if self.write_all(way) == Turn::Yielded {
                return Turn::Yielded;
            }
            if !self.wants_to_read() || self.take_more(way).is_pending() {
                return Turn::Waiting;
            }
        }
        Turn::Yielded
    }

    /// Moves and writes all that is due, as far as the peer takes it.
    fn write_all(&mut self, way: &mut Way<'_, '_>) -> Turn {
        loop {
            let moved = self.advance(way.now);
            let wrote = self.write(way);
            if !moved && wrote == 0 {
                return Turn::Waiting;
            }
            if clock::now() - way.now > TURN {
                return Turn::Yielded;
            }
        }
    }

    /// Moves on what is due, as far as there is room for it. True if anything moved.
    fn advance(&mut self, now: Instant) -> bool {
        let mut moved = false;
        loop {
            let before = moved;
            moved = false;
            for position in (0..self.shapes.len()).rev() {
                while self.has_room(position + 1)
                    && let Some(item) = self.shapes[position].1.pop(now)
                {
                    if item == Item::End(Ending::Close) {
                        self.closer.get_or_insert(self.shapes[position].0);
                    }
                    self.enter(position + 1, item, now);
                    moved = true;
                }
            }
            if !moved {
                return before;
            }
        }
    }

    /// Whether the shape at `position`, or the exit behind the last one, takes more from the one before it.
    fn has_room(&self, position: usize) -> bool {
        // Nobody waits for the bytes before a reset.
        self.source == Source::Reset
            || match self.shapes.get(position) {
                Some((_, shape)) => shape.held() < shape.room(),
                None => self.exit.cost() < EXIT_BYTES,
            }
    }

    /// Hands `item` to the shape at `position`, or to the exit behind the last one.
    fn enter(&mut self, position: usize, item: Item, now: Instant) {
        match self.shapes.get_mut(position) {
            Some((_, shape)) => shape.push(item, now),
            None => self.exit.push(item),
        }
    }

    /// What waits anywhere on the way.
    fn held(&self) -> usize {
        self.exit.cost() + self.shapes.iter().map(|(_, shape)| shape.held()).sum::<usize>()
    }

    /// Tells the proxy's budget what is held now.
    fn settle(&mut self) {
        let held = self.held();
        self.shared.budget.settle(self.charged, held);
        self.charged = held;
    }

    fn wants_to_read(&self) -> bool {
        if self.source != Source::Open || self.sink != Sink::Open {
            return false;
        }
        if self.shapes.is_empty() {
            return self.exit.is_empty() && self.pipe.as_ref().is_none_or(Pipe::is_empty);
        }
        let held = self.held();
        let bound = if self.shared.budget.is_spent() { SMALL_LINK_BYTES } else { LINK_BYTES };
        held < bound
            && self.exit.cost() < EXIT_BYTES
            // With room for a whole read: sips cost as much as gulps.
            && self.shapes.first().is_none_or(|(_, shape)| shape.held() + READ_BYTES <= shape.room())
    }

    /// Writes what has come out, as far as the peer takes it; how many writes that took.
    fn write(&mut self, way: &mut Way<'_, '_>) -> usize {
        if self.sink == Sink::Gone {
            self.clear_exit();
        }
        let mut writes = 0;
        while let Some(pipe) = self.pipe.as_mut().filter(|pipe| !pipe.is_empty()) {
            match pipe.poll_drain(way.cx, way.to) {
                Poll::Pending => break,
                Poll::Ready(written) => self.note_written(&written, way.delivered),
            }
            writes += 1;
        }
        let piped = self.pipe.as_ref().is_some_and(|pipe| !pipe.is_empty());
        while !piped && let Some(next) = self.exit.front() {
            match next {
                Item::Data(_) => {
                    if self.write_data(way).is_pending() {
                        break;
                    }
                    writes += 1;
                    if clock::now() - way.now > TURN {
                        break;
                    }
                }
                Item::End(Ending::Reset) => break,
                Item::End(ending) => {
                    self.sink = if *ending == Ending::Close { Sink::Closed } else { Sink::Finished };
                    self.exit.clear();
                    // Fails only where the peer has reset the connection; reading from it tells.
                    let _ = SockRef::from(&*way.to).shutdown(Shutdown::Write);
                }
            }
        }
        // A reset overtakes bytes that the peer does not take: it would on a network, too.
        if self.exit.has_reset() {
            self.clear_exit();
            self.sink = Sink::Reset;
        }
        writes
    }

    /// Drops what has come out and was not written.
    fn clear_exit(&mut self) {
        self.exit.clear();
        self.pipe = None;
    }

    fn write_data(&mut self, way: &mut Way<'_, '_>) -> Poll<()> {
        let mut slices = [IoSlice::new(&[]); SLICES_PER_WRITE];
        let written = match self.exit.leading(&mut slices) {
            Batch::Together(filled) => Pin::new(&mut *way.to).poll_write_vectored(way.cx, &slices[..filled]),
            Batch::Apart(filled) => pieces::poll_write(way.cx, way.to, &slices[..filled]),
        };
        let written = std::task::ready!(written);
        if let Ok(written) = written {
            self.exit.consume(written);
        }
        self.note_written(&written, way.delivered);
        Poll::Ready(())
    }

    fn note_written(&mut self, written: &io::Result<usize>, delivered: &AtomicU64) {
        if let Ok(written) = written {
            delivered.fetch_add(*written as u64, Relaxed);
        } else {
            self.clear_exit();
            self.sink = Sink::Gone;
        }
    }

    /// Reads once. Pending: there is nothing to read, and the task is woken when there is.
    fn take_more(&mut self, way: &mut Way<'_, '_>) -> Poll<()> {
        if self.full_reads >= BULK_READS && self.shapes.is_empty() {
            if self.pipe.is_none() {
                self.pipe = self.shared.pipes.take();
            }
            if let Some(pipe) = &mut self.pipe {
                let Poll::Ready(filled) = pipe.poll_fill(way.cx, way.from) else {
                    // An idle connection needs none.
                    self.pipe.take().into_iter().for_each(|pipe| self.shared.pipes.give_back(pipe));
                    return Poll::Pending;
                };
                if filled.as_ref().is_ok_and(|filled| *filled < BULK_BYTES) {
                    self.full_reads -= 1;
                }
                match filled {
                    Ok(0) => self.end_source(Ending::Fin, way.now),
                    Ok(filled) => self.arrived += filled as u64,
                    Err(_) => self.end_source(Ending::Reset, way.now),
                }
                return Poll::Ready(());
            }
            self.full_reads = 0;
        }
        if let Some(pipe) = self.pipe.take_if(|pipe| pipe.is_empty()) {
            self.shared.pipes.give_back(pipe);
        }
        self.read(way)
    }

    fn read(&mut self, way: &mut Way<'_, '_>) -> Poll<()> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            match std::task::ready!(Pin::new(&mut *way.from).poll_read(way.cx, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => self.end_source(Ending::Fin, way.now),
                Ok(()) => {
                    let full = buffer.remaining() == 0;
                    self.full_reads =
                        if full { self.full_reads.saturating_add(1).min(BULK_READS + 2) } else { 0 };
                    self.take_in(way, buffer.filled());
                }
                Err(_) => self.end_source(Ending::Reset, way.now),
            }
            Poll::Ready(())
        })
    }

    fn end_source(&mut self, ending: Ending, now: Instant) {
        self.source = if ending == Ending::Reset { Source::Reset } else { Source::Ended };
        self.enter(0, Item::End(ending), now);
    }

    fn take_in(&mut self, way: &mut Way<'_, '_>, mut bytes: &[u8]) {
        self.arrived += bytes.len() as u64;
        // With nothing in the way, bytes go from socket to socket without being stored.
        if self.shapes.is_empty()
            && self.exit.is_empty()
            && let Poll::Ready(written) = Pin::new(&mut *way.to).poll_write(way.cx, bytes)
        {
            if let Ok(written) = written {
                bytes = &bytes[written..];
            }
            self.note_written(&written, way.delivered);
            if self.sink == Sink::Gone {
                return;
            }
        }
        if !bytes.is_empty() {
            self.enter(0, Item::Data(Chunk::new(bytes)), way.now);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.budget.settle(self.charged, 0);
    }
}
