//! The places that a service has for connections, and who waits for one.

use super::lock::lock;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A number of places. Cheap to clone.
#[derive(Clone)]
pub(super) struct Seats {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    limit: u32,
    taken: u32,
    /// In the order in which they came.
    waiting: VecDeque<Waiting>,
    next_ticket: u64,
}

struct Waiting {
    ticket: u64,
    waker: Option<Waker>,
}

/// A place, or a claim to one. Given back when dropped.
pub(super) struct Seat {
    seats: Seats,
    ticket: u64,
    held: bool,
}

impl Seats {
    pub(super) fn new(limit: u32) -> Self {
        let inner = Inner { limit, taken: 0, waiting: VecDeque::new(), next_ticket: 0 };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Another number of places. Those who have one keep it.
    pub(super) fn set_limit(&self, limit: u32) {
        let mut inner = lock(&self.inner);
        inner.limit = limit;
        inner.call_next();
    }

    /// A place even where there is none left: for who was there before there was a limit.
    pub(super) fn keep(&self) -> Seat {
        let mut inner = lock(&self.inner);
        inner.taken += 1;
        Seat { seats: self.clone(), ticket: inner.ticket(), held: true }
    }

    /// A claim to a place. It is had at once where one is free and nobody else waits for it.
    pub(super) fn claim(&self) -> Seat {
        let mut inner = lock(&self.inner);
        let ticket = inner.ticket();
        let held = inner.taken < inner.limit && inner.waiting.is_empty();
        if held {
            inner.taken += 1;
        } else {
            inner.waiting.push_back(Waiting { ticket, waker: None });
        }
        Seat { seats: self.clone(), ticket, held }
    }
}

impl Seat {
    /// Ready once the place is had.
    pub(super) fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.held {
            return Poll::Ready(());
        }
        let mut inner = lock(&self.seats.inner);
        let Some(position) = inner.waiting.iter().position(|waiting| waiting.ticket == self.ticket) else {
            // Called: the place was taken in its name.
            self.held = true;
            return Poll::Ready(());
        };
        inner.waiting[position].waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Whether the place was had when it was last asked for.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inner = lock(&self.seats.inner);
        let waits = inner.waiting.iter().position(|waiting| waiting.ticket == self.ticket);
        if let Some(position) = waits {
            inner.waiting.remove(position);
        } else {
            inner.taken -= 1;
            inner.call_next();
        }
    }
}

impl Inner {
    fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// Gives free places to those who have waited longest.
    fn call_next(&mut self) {
        while self.taken < self.limit {
            let Some(next) = self.waiting.pop_front() else { return };
            self.taken += 1;
            if let Some(waker) = next.waker {
                waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(seat: &mut Seat) -> bool {
        seat.poll_held(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn places_go_to_those_who_came_first() {
        let seats = Seats::new(1);
        let mut first = seats.claim();
        let (mut second, mut third) = (seats.claim(), seats.claim());
        assert_eq!([has(&mut first), has(&mut second), has(&mut third)], [true, false, false]);
        drop(first);
        assert_eq!([has(&mut second), has(&mut third)], [true, false]);
        let mut fourth = seats.claim();
        drop(third);
        drop(second);
        assert!(has(&mut fourth), "a claim that was given up holds nobody up");
    }

    #[test]
    fn who_was_there_before_keeps_its_place_and_counts() {
        let seats = Seats::new(1);
        let (old, older) = (seats.keep(), seats.keep());
        let mut new = seats.claim();
        drop(old);
        assert!(!has(&mut new));
        drop(older);
        assert!(has(&mut new));
    }

    #[test]
    fn a_higher_limit_lets_in_who_waits() {
        let seats = Seats::new(0);
        let mut waiting = seats.claim();
        assert!(!has(&mut waiting));
        seats.set_limit(1);
        assert!(has(&mut waiting));
    }
}
