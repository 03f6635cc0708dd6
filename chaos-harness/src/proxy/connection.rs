//! One connection through a route, shared by its task and by callers.

use super::active::ActiveToxic;
use super::address::Upstream;
use super::chunk::Ending;
use super::counters::RouteTally;
use super::descriptors;
use super::dial::dial;
use super::link::ToxicId;
use super::lock::lock;
use super::request::{Change, Encounter, Redrawn, Request};
use super::shared::Shared;
use super::state::{Progress, State};
use super::toxics::Meeting;
use super::trace::Trace;
use crate::clock;
use futures::task::AtomicWaker;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long a busy connection goes on before others of its thread have their turn. Callers have theirs in between.
const STRETCH: Duration = Duration::from_millis(1);

/// A connection, shared by its task and the route.
pub(super) struct Connection {
    /// Its place in the order in which the route's connections were opened.
    number: u64,
    /// What callers have asked for and nobody has begun to do.
    asked: Mutex<Asked>,
    /// How many requests have been carried out.
    done: AtomicU64,
    waker: AtomicWaker,
    over: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct Asked {
    requests: Vec<Request>,
    /// How many there ever were.
    count: u64,
}

impl Connection {
    pub(super) fn new(
        number: u64,
        client: TcpStream,
        shared: &Arc<Shared>,
        tally: Arc<RouteTally>,
        now: Instant,
    ) -> Self {
        Self {
            number,
            asked: Mutex::default(),
            done: AtomicU64::new(0),
            waker: AtomicWaker::new(),
            over: AtomicBool::new(false),
            state: Mutex::new(State::new(client, shared, tally, now)),
        }
    }

    /// Carries the connection to its end.
    pub(super) async fn run(&self, upstream: Upstream) {
        poll_fn(|cx| self.open(cx)).await;
        let dialled = {
            let mut dial = pin!(dial(&upstream));
            poll_fn(|cx| {
                if self.work(cx).is_ready() {
                    return Poll::Ready(None);
                }
                dial.as_mut().poll(cx).map(Some)
            })
            .await
        };
        match dialled {
            None => {}
            Some(Ok(service)) => {
                lock(&self.state).relay_to(service);
                poll_fn(|cx| self.work(cx)).await;
            }
            Some(Err(error)) => {
                if descriptors::are_exhausted(&error) {
                    tracing::warn!(upstream = upstream.as_str(), %error, "no file descriptor left: the client is reset");
                } else {
                    tracing::debug!(upstream = upstream.as_str(), %error, "cannot reach the service: the client is reset");
                }
                lock(&self.state).close(Ending::Reset);
            }
        }
        self.over.store(true, Ordering::Relaxed);
    }

    /// Ready once the service may be dialled, or the connection is over.
    fn open(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        let mut state = lock(&self.state);
        self.carry_out(&mut state);
        state.poll_opening(cx)
    }

    /// Does what was asked and then the task's work, a turn at a time. Ready when the connection is over.
    fn work(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Before looking at what was asked: who asks later than that wakes.
        self.waker.register(cx.waker());
        let began = clock::now();
        loop {
            let progress = {
                let mut state = lock(&self.state);
                self.carry_out(&mut state);
                state.poll(cx)
            };
            match progress {
                Progress::Over => return Poll::Ready(()),
                Progress::Waiting => return Poll::Pending,
                Progress::Yielded if clock::now() - began < STRETCH => {}
                Progress::Yielded => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
    }

    /// Lets `toxic` act on this connection from now on, if it chooses to.
    pub(super) fn meet(
        &self,
        toxic: &mut ActiveToxic,
        meeting: Meeting,
        trace: &mut Trace,
        now: Instant,
        until: Instant,
    ) {
        if self.over.load(Ordering::Relaxed) {
            return;
        }
        let touched = toxic.touches_next();
        trace.record(self.number, toxic.name(), touched);
        toxic.tally().meets(touched);
        self.ask(Request::Meet(Encounter::new(toxic, self.number, touched, meeting, now)), until);
    }

    /// The parameters of `toxic` are others; where `redraws`, so is what it touches.
    pub(super) fn change(
        &self,
        toxic: &mut ActiveToxic,
        redraws: bool,
        trace: &mut Trace,
        now: Instant,
        until: Instant,
    ) {
        if self.over.load(Ordering::Relaxed) {
            return;
        }
        // One that acts on slices of time touches every connection.
        let decision = (redraws && !toxic.is_sliced()).then(|| {
            let touched = toxic.touches_next();
            trace.record(self.number, toxic.name(), touched);
            if touched {
                Redrawn::Touched(Encounter::new(toxic, self.number, touched, Meeting::Live, now))
            } else {
                Redrawn::Spared
            }
        });
        self.ask(
            Request::Change(Change {
                toxic: toxic.id,
                to: *toxic.toxic(),
                share: toxic.spec().toxicity.share(),
                redrawn: decision,
            }),
            until,
        );
    }

    /// Takes `toxic` off this connection.
    pub(super) fn part(&self, toxic: ToxicId, until: Instant) {
        self.ask(Request::Part(toxic), until);
    }

    /// Closes it without further ado.
    pub(super) fn close(&self, until: Instant) {
        self.ask(Request::Close, until);
    }

    /// Does what is asked, at once where the task is not in the middle of a turn, and otherwise lets the task do it.
    ///
    /// Mostly a turn is over in microseconds, and the caller waits for that, until `until`, but awake: a busy machine would
    /// let it sleep for much longer than that. And where the peer does not read, a single write can keep the system busy
    /// for milliseconds. Then it is done before the task's next turn, whatever the caller does.
    fn ask(&self, request: Request, until: Instant) {
        let ticket = {
            let mut asked = lock(&self.asked);
            asked.requests.push(request);
            asked.count += 1;
            asked.count
        };
        while self.done.load(Ordering::Acquire) < ticket {
            match self.state.try_lock() {
                Ok(mut state) => self.carry_out(&mut state),
                Err(TryLockError::Poisoned(poisoned)) => self.carry_out(&mut poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if clock::now() >= until => break,
                Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
            }
        }
        self.waker.wake();
    }

    fn carry_out(&self, state: &mut State) {
        let Asked { requests, count } = {
            let mut asked = lock(&self.asked);
            Asked { requests: std::mem::take(&mut asked.requests), count: asked.count }
        };
        if requests.is_empty() {
            return;
        }
        let now = clock::now();
        for request in requests {
            state.carry_out(request, now);
        }
        if state.is_over() {
            self.over.store(true, Ordering::Relaxed);
        }
        self.done.store(count, Ordering::Release);
    }
}
