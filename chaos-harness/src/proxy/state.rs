//! What a connection's task does: two links between two sockets, and what toxics do to the whole.

use super::chunk::Ending;
use super::counters::RouteTally;
use super::link::{Link, Sink, ToxicId, Turn, Way};
use super::met::Met;
use super::request::{Change, Encounter, Redrawn, Request};
use super::shared::Shared;
use super::timer::Timer;
use super::toxic::Stream;
use super::toxics::{Meeting, later};
use crate::clock;
use socket2::SockRef;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;

/// How long a peer may take to read what was sent to it before a toxic closed the connection.
const LINGER: Duration = Duration::from_secs(2);

/// How far a connection is, and what is on its way.
pub(super) struct State {
    phase: Phase,
    opened: Instant,
    up: Link,
    down: Link,
    met: Vec<Met>,
    /// The peers found gone while writing to them, once the other has been told.
    told: Told,
    /// Whether the service has spoken since the last request began, so that the client's next bytes begin another.
    answered: bool,
    timer: Timer,
    tally: Arc<RouteTally>,
}

/// Where a turn of a connection's task leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The connection is over.
    Over,
    /// The sockets or the clock will say when there is more to do.
    Waiting,
    /// There is more to do at once.
    Yielded,
}

enum Phase {
    /// A toxic holds it up, or the service has not answered yet.
    Opening(TcpStream),
    Relaying {
        client: TcpStream,
        service: TcpStream,
    },
    /// A toxic has closed it behind bytes that this peer is still to read.
    Closing {
        peer: TcpStream,
        until: Instant,
    },
    Over,
}

#[derive(Default)]
struct Told {
    client: bool,
    service: bool,
}

impl State {
    pub(super) fn new(client: TcpStream, shared: &Arc<Shared>, tally: Arc<RouteTally>, now: Instant) -> Self {
        tally.opened.fetch_add(1, Relaxed);
        tally.open.fetch_add(1, Relaxed);
        tally.requests.fetch_add(1, Relaxed);
        Self {
            phase: Phase::Opening(client),
            opened: now,
            up: Link::new(shared),
            down: Link::new(shared),
            met: Vec::new(),
            told: Told::default(),
            answered: false,
            timer: Timer::new(shared),
            tally,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    pub(super) fn relay_to(&mut self, service: TcpStream) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Opening(client) => {
                // These fail only where the peer is gone already, which the links find out.
                let _ = SockRef::from(&service).set_linger(None);
                for socket in [&client, &service] {
                    let _ = socket.set_nodelay(true);
                }
                self.phase = Phase::Relaying { client, service };
            }
            // Closed while the dial succeeded.
            other => self.phase = other,
        }
    }

    /// Does what a caller asked for.
    pub(super) fn carry_out(&mut self, request: Request, now: Instant) {
        match request {
            _ if self.is_over() => {}
            Request::Meet(encounter) => self.take_on(encounter, now),
            Request::Change(change) => self.change(change, now),
            Request::Part(toxic) => self.let_go(toxic, now),
            Request::Close => self.close(Ending::Fin),
        }
    }

    fn take_on(&mut self, Encounter { met, up, down }: Encounter, now: Instant) {
        for (link, shape) in [(&mut self.up, up), (&mut self.down, down)] {
            if let Some(shape) = shape {
                link.add(met.toxic, shape);
            }
        }
        self.met.push(met);
        self.end_if_due(now);
    }

    fn change(&mut self, Change { toxic, to, share, redrawn }: Change, now: Instant) {
        let Some(position) = self.met.iter().position(|met| met.toxic == toxic) else { return };
        let touched_before = self.met[position].touched;
        match (touched_before, redrawn) {
            (true, None | Some(Redrawn::Touched(_))) => {
                self.met[position].set_end(&to, Meeting::Live, now);
                self.up.change(toxic, &to, share, now);
                self.down.change(toxic, &to, share, now);
                self.end_if_due(now);
            }
            (false, Some(Redrawn::Touched(mut encounter))) => {
                let old = self.met.remove(position);
                encounter.met.follow(&old);
                self.take_on(encounter, now);
            }
            (true, Some(Redrawn::Spared)) => {
                if self.release(toxic, now) {
                    self.met[position].spare();
                } else {
                    self.met[position].closes();
                    self.close(Ending::Fin);
                }
            }
            (false, None | Some(Redrawn::Spared)) => {}
        }
    }

    fn let_go(&mut self, toxic: ToxicId, now: Instant) {
        let Some(position) = self.met.iter().position(|met| met.toxic == toxic) else { return };
        let mut met = self.met.remove(position);
        if !self.release(toxic, now) {
            met.closes();
            self.close(Ending::Fin);
        }
    }

    /// Lets what the toxic held go on. False if it had lost some of it.
    fn release(&mut self, toxic: ToxicId, now: Instant) -> bool {
        // Both, also where the first is lost.
        self.up.remove(toxic, now) & self.down.remove(toxic, now)
    }

    /// Ready once no toxic holds the dial up any more, or the connection is over.
    pub(super) fn poll_opening(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.poll(cx) == Progress::Over {
                return Poll::Ready(());
            }
            let seated = self.poll_seats(cx);
            let now = clock::now();
            let dial = self.dial_due();
            if seated && dial <= now {
                return Poll::Ready(());
            }
            let deadline = self.next_deadline(now).into_iter().chain(seated.then_some(dial)).min();
            if self.timer.poll_at(cx, deadline).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Whether it has a place with each toxic that limits connections.
    fn poll_seats(&mut self, cx: &mut Context<'_>) -> bool {
        let mut seated = true;
        for met in &mut self.met {
            if let Some(seat) = &mut met.seat
                && !seat.is_held()
            {
                match seat.poll_held(cx) {
                    Poll::Ready(()) => met.end = None,
                    Poll::Pending => seated = false,
                }
            }
        }
        seated
    }

    fn dial_due(&self) -> Instant {
        let held_up = self.met.iter().map(|met| met.opening.dial);
        later(self.opened, held_up.fold(Duration::ZERO, Duration::saturating_add))
    }

    /// When the client may begin to speak: the answer to its connecting has come all the way.
    fn client_heard(&self) -> Instant {
        let held_up = self.met.iter().map(|met| met.opening.dial.saturating_add(met.opening.answer));
        later(self.opened, held_up.fold(Duration::ZERO, Duration::saturating_add))
    }

    /// The work of the connection's task, for one turn.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Progress {
        loop {
            let now = clock::now();
            self.end_if_due(now);
            let heard = self.met.is_empty() || self.client_heard() <= now;
            let yielded = match &mut self.phase {
                Phase::Over => return Progress::Over,
                Phase::Closing { peer, until } => {
                    if *until <= now || is_done(peer, cx) {
                        self.close(Ending::Fin);
                        continue;
                    }
                    false
                }
                Phase::Opening(_) => false,
                Phase::Relaying { client, service } => {
                    let tally = &self.tally;
                    let up = if heard {
                        let delivered = &tally.upstream_bytes;
                        self.up.poll(Way { cx, from: client, to: service, now, delivered })
                    } else {
                        Turn::Waiting
                    };
                    let delivered = &tally.downstream_bytes;
                    let down = self.down.poll(Way { cx, from: service, to: client, now, delivered });
                    up == Turn::Yielded || down == Turn::Yielded
                }
            };
            if let Phase::Relaying { .. } = self.phase {
                self.note_arrivals();
                if self.settle(now) {
                    continue;
                }
            }
            if yielded {
                return Progress::Yielded;
            }
            if self.timer.poll_at(cx, self.next_deadline(now)).is_pending() {
                return Progress::Waiting;
            }
        }
    }

    fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if let Phase::Closing { until, .. } = self.phase {
            return Some(until);
        }
        if self.met.is_empty() {
            return None;
        }
        let ends = self.met.iter().filter_map(|met| met.end.map(|(at, _)| at));
        let heard = Some(self.client_heard()).filter(|heard| *heard > now);
        ends.chain(heard).chain(self.up.next_due()).chain(self.down.next_due()).min()
    }

    fn note_arrivals(&mut self) {
        let arrivals = [
            (Stream::Upstream, self.up.take_arrived(), &self.tally.upstream_received),
            (Stream::Downstream, self.down.take_arrived(), &self.tally.downstream_received),
        ];
        for (stream, arrived, received) in arrivals {
            if arrived > 0 {
                received.fetch_add(arrived, Relaxed);
                self.met.iter_mut().for_each(|met| met.count(stream, arrived));
                let was_answered = std::mem::replace(&mut self.answered, stream == Stream::Downstream);
                if was_answered && stream == Stream::Upstream {
                    self.tally.requests.fetch_add(1, Relaxed);
                    self.met.iter().for_each(Met::asks);
                }
            }
        }
    }

    /// Draws the conclusions from how far the links have come. True if there is more to do because of that.
    fn settle(&mut self, now: Instant) -> bool {
        match (self.up.sink(), self.down.sink()) {
            // Who has finished writing and then leaves without reading resets what it gets.
            (Sink::Reset, _)
            | (_, Sink::Reset)
            | (Sink::Gone, Sink::Gone | Sink::Finished)
            | (Sink::Finished, Sink::Gone) => self.close(Ending::Reset),
            (Sink::Finished, Sink::Finished) => self.close(Ending::Fin),
            (Sink::Closed, _) | (_, Sink::Closed) => {
                let closer = self.up.closer().or(self.down.closer());
                if let Some(met) = self.met.iter_mut().find(|met| Some(met.toxic) == closer) {
                    met.closes();
                }
                self.close_gently(self.down.sink() == Sink::Closed, now);
            }
            (Sink::Gone, _) if !self.told.client => {
                self.told.client = true;
                self.down.source_gone(now);
            }
            (_, Sink::Gone) if !self.told.service => {
                self.told.service = true;
                self.up.source_gone(now);
            }
            _ => return false,
        }
        true
    }

    /// Ends the connection if a toxic says so by now.
    fn end_if_due(&mut self, now: Instant) {
        let ends = self.met.iter_mut().filter_map(|met| met.end.map(|(at, ending)| (at, ending, met)));
        let first = ends.filter(|(at, ..)| *at <= now).min_by_key(|(at, ..)| *at);
        if let Some((_, ending, met)) = first {
            met.closes();
            self.close(ending);
        }
    }

    /// Closes one peer's side, and the other's once that has read what was sent to it: to close a socket in which something
    /// is unread would throw that away.
    fn close_gently(&mut self, to_client: bool, now: Instant) {
        if let Phase::Relaying { client, service } = std::mem::replace(&mut self.phase, Phase::Over) {
            let (peer, other) = if to_client { (client, service) } else { (service, client) };
            drop_socket(other, Ending::Fin);
            self.phase = Phase::Closing { peer, until: now + LINGER };
        }
        self.clear();
    }

    /// Lets go of the toxics, and of all that is on its way.
    fn clear(&mut self) {
        self.met.clear();
        self.up.clear();
        self.down.clear();
    }

    pub(super) fn close(&mut self, ending: Ending) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Over => return,
            Phase::Opening(client) => drop_socket(client, ending),
            Phase::Closing { peer, .. } => drop_socket(peer, ending),
            Phase::Relaying { client, service } => {
                drop_socket(client, ending);
                drop_socket(service, ending);
            }
        }
        self.clear();
        self.tally.open.fetch_sub(1, Relaxed);
    }
}

/// Whether the peer has closed its side. What it still sends is dropped.
fn is_done(peer: &mut TcpStream, cx: &mut Context<'_>) -> bool {
    let mut dropped = [0; 4096];
    loop {
        let mut buffer = ReadBuf::new(&mut dropped);
        match Pin::new(&mut *peer).poll_read(cx, &mut buffer) {
            Poll::Pending => return false,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
            Poll::Ready(_) => return true,
        }
    }
}

/// Resets a connection that was accepted.
pub(super) fn reset(socket: TcpStream) {
    drop_socket(socket, Ending::Reset);
}

fn drop_socket(socket: TcpStream, ending: Ending) {
    if ending == Ending::Reset {
        // With no time to linger, closing sends a RST. Fails only where the peer is gone already.
        let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
    } else {
        // Before it is closed: with something unread in it, that alone would send a RST. Fails as above.
        let _ = SockRef::from(&socket).shutdown(Shutdown::Write);
    }
    drop(socket);
}
