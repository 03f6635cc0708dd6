//! One connection through a route: two sockets, two links, and the toxics it has met.

use super::active::{ActiveToxic, Encounter};
use super::chunk::Ending;
use super::counters::{RouteTally, ToxicTally};
use super::link::{Link, Sink, ToxicId, Turn};
use super::lock::lock;
use super::timer::Timer;
use super::toxic::Stream;
use super::toxics::{Meeting, Removal, later};
use crate::clock;
use socket2::SockRef;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};

/// A connection, shared by its task and the route.
pub(super) struct Connection {
    /// Its place in the order in which the route's connections were opened.
    number: u64,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    up: Link,
    down: Link,
    met: Vec<Met>,
    /// The peers found gone while writing to them, once the other has been told.
    told: Told,
    timer: Timer,
    waker: Option<Waker>,
    tally: Arc<RouteTally>,
}

enum Phase {
    /// The service has not answered yet.
    Dialling(TcpStream),
    Relaying {
        client: TcpStream,
        service: TcpStream,
    },
    Over,
}

#[derive(Default)]
struct Told {
    client: bool,
    service: bool,
}

/// A toxic that this connection has met, whether or not it was chosen.
struct Met {
    toxic: ToxicId,
    stream: Option<Stream>,
    touched: bool,
    carried: bool,
    end: Option<(Instant, Ending)>,
    tally: Arc<ToxicTally>,
}

impl Met {
    fn carry(&mut self) {
        if !self.carried {
            self.carried = true;
            self.tally.carries(self.touched);
        }
    }
}

impl Connection {
    pub(super) fn new(number: u64, client: TcpStream, tally: Arc<RouteTally>) -> Self {
        tally.opened.fetch_add(1, Relaxed);
        tally.open.fetch_add(1, Relaxed);
        let state = State {
            phase: Phase::Dialling(client),
            up: Link::new(),
            down: Link::new(),
            met: Vec::new(),
            told: Told::default(),
            timer: Timer::default(),
            waker: None,
            tally,
        };
        Self { number, state: Mutex::new(state) }
    }

    /// Carries the connection to its end.
    pub(super) async fn run(&self, upstream: SocketAddr) {
        let mut dial = pin!(dial(upstream));
        let dialled = poll_fn(|cx| {
            if lock(&self.state).poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            dial.as_mut().poll(cx).map(Some)
        })
        .await;
        match dialled {
            None => {}
            Some(Ok(service)) => {
                lock(&self.state).relay_to(service);
                poll_fn(|cx| lock(&self.state).poll(cx)).await;
            }
            Some(Err(error)) => {
                tracing::debug!(%upstream, %error, "cannot connect to the service; the client is reset");
                lock(&self.state).close(Ending::Reset);
            }
        }
    }

    /// Lets `toxic` act on this connection from now on, if it chooses to.
    pub(super) fn meet(&self, toxic: &mut ActiveToxic, meeting: Meeting, now: Instant) {
        let mut state = lock(&self.state);
        if !state.is_over() {
            let encounter = toxic.meet(self.number, meeting, now);
            state.take_on(encounter, toxic.stream(), now);
        }
    }

    /// Takes `toxic` off this connection.
    pub(super) fn part(&self, toxic: ToxicId, now: Instant) {
        lock(&self.state).let_go(toxic, now);
    }

    /// Closes it without further ado.
    pub(super) fn close(&self) {
        lock(&self.state).close(Ending::Fin);
    }
}

impl State {
    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    fn link(&mut self, stream: Stream) -> &mut Link {
        match stream {
            Stream::Upstream => &mut self.up,
            Stream::Downstream => &mut self.down,
        }
    }

    fn relay_to(&mut self, service: TcpStream) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Dialling(client) => {
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

    fn take_on(&mut self, encounter: Encounter, stream: Stream, now: Instant) {
        let Encounter { toxic, stream: counts, touched, attempted, effect, tally } = encounter;
        if let Some(shape) = effect.shape {
            self.link(stream).add(toxic, shape);
        }
        let end = effect.end.map(|(after, ending): (Duration, _)| (later(now, after), ending));
        let mut met = Met { toxic, stream: counts, touched, carried: false, end, tally };
        if attempted {
            met.carry();
        }
        self.met.push(met);
        self.end_if_due(now);
        self.wake();
    }

    fn let_go(&mut self, toxic: ToxicId, now: Instant) {
        let Some(position) = self.met.iter().position(|met| met.toxic == toxic) else { return };
        let mut met = self.met.remove(position);
        let removals = [self.up.remove(toxic, now), self.down.remove(toxic, now)];
        if removals.iter().any(|removal| matches!(removal, Removal::Close)) {
            met.carry();
            met.tally.closes();
            self.close(Ending::Fin);
        }
        self.wake();
    }

    /// The work of the connection's task. Ready when the connection is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
        loop {
            let now = clock::now();
            self.end_if_due(now);
            let yielded = match &self.phase {
                Phase::Over => return Poll::Ready(()),
                Phase::Dialling(_) => false,
                Phase::Relaying { client, service } => {
                    let up = self.up.poll(cx, client, service, now, &self.tally.upstream_bytes);
                    let down = self.down.poll(cx, service, client, now, &self.tally.downstream_bytes);
                    up == Turn::Yielded || down == Turn::Yielded
                }
            };
            self.note_arrivals();
            if self.settle(now) {
                continue;
            }
            if self.timer.poll_at(cx, self.next_deadline()).is_ready() {
                continue;
            }
            if yielded {
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let ends = self.met.iter().filter_map(|met| met.end.map(|(at, _)| at));
        ends.chain(self.up.next_due()).chain(self.down.next_due()).min()
    }

    fn note_arrivals(&mut self) {
        for (stream, arrived) in
            [(Stream::Upstream, self.up.take_arrived()), (Stream::Downstream, self.down.take_arrived())]
        {
            if arrived {
                self.met
                    .iter_mut()
                    .filter(|met| met.stream.is_none_or(|its| its == stream))
                    .for_each(Met::carry);
            }
        }
    }

    /// Draws the conclusions from how far the links have come. True if there is more to do because of that.
    fn settle(&mut self, now: Instant) -> bool {
        match (self.up.sink(), self.down.sink()) {
            (Sink::Reset, _) | (_, Sink::Reset) | (Sink::Gone, Sink::Gone) => self.close(Ending::Reset),
            (Sink::Finished, Sink::Finished) => self.close(Ending::Fin),
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
            met.carry();
            met.tally.closes();
            self.close(ending);
        }
    }

    fn close(&mut self, ending: Ending) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Over => return,
            Phase::Dialling(client) => drop_socket(client, ending),
            Phase::Relaying { client, service } => {
                drop_socket(client, ending);
                drop_socket(service, ending);
            }
        }
        self.met.clear();
        self.up = Link::new();
        self.down = Link::new();
        self.tally.open.fetch_sub(1, Relaxed);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

/// Connects to the service, with a socket that sends a RST if it is dropped before its time to linger is set: a service
/// that has already accepted must not take an abandoned dial for a client that had nothing to say.
async fn dial(upstream: SocketAddr) -> io::Result<TcpStream> {
    let socket = if upstream.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
    socket.connect(upstream).await
}

fn drop_socket(socket: TcpStream, ending: Ending) {
    if ending == Ending::Reset {
        // With no time to linger, closing sends a RST. Fails only where the peer is gone already.
        let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
    }
    drop(socket);
}
