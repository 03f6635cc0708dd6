//! What each toxic does to a connection that it touches: one file a toxic.

mod bandwidth;
mod burst;
mod gate;
mod latency;
mod limit_data;
mod slicer;
mod slow_close;
mod stall;
mod timeout;

use super::chunk::{Ending, Item};
use super::toxic::{Stream, Toxic};
use crate::chance;
use crate::units::Percent;
use std::time::{Duration, Instant};

/// What a toxic does to the bytes of one direction.
///
/// It is given the time and never asks for it, so that it can be tested without waiting.
pub(super) trait Shape: Send {
    /// Takes in what comes after all that it already has.
    fn push(&mut self, item: Item, now: Instant);

    /// Gives out what is next, if that is due.
    fn pop(&mut self, now: Instant) -> Option<Item>;

    /// When [`pop`](Self::pop) should be tried again; `None` if no passing of time makes a difference.
    fn next_due(&self) -> Option<Instant>;

    /// The memory that waits here.
    fn held(&self) -> usize;

    /// How much may wait here before the sender is held back.
    fn room(&self) -> usize;

    /// The toxic's parameters are others from now on; its type is the same.
    fn change(&mut self, toxic: &Toxic, now: Instant);

    /// The toxic touches another share of the time from now on.
    fn change_share(&mut self, _share: Percent) {}

    /// The toxic is taken away: what becomes of what it still holds.
    fn remove(self: Box<Self>) -> Removal;
}

/// What becomes of what a removed toxic still held.
pub(super) enum Removal {
    /// It goes on its way at once.
    Release(Vec<Item>),
    /// It is lost, so the connection is closed: going on would leave a hole in the stream.
    Close,
}

/// Which of the two came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meeting {
    /// The connection: it was open when the toxic was added.
    Live,
    /// The toxic: the connection was opened under it.
    New,
}

/// How a toxic holds up the opening of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Opening {
    /// On the way to the service: it is dialled this much later.
    pub(super) dial: Duration,
    /// On the way back: the client may begin to speak this much later.
    pub(super) answer: Duration,
}

/// Chance of one toxic on one connection, drawn only where it is needed.
pub(super) type Chance<'a> = &'a dyn Fn() -> chance::Stream;

/// What the toxic does to the bytes that go the way of `stream`, if anything. Its own way is `own`; `since` is when it
/// was put on the route.
pub(super) fn shape(
    toxic: &Toxic,
    own: Stream,
    stream: Stream,
    chance: Chance<'_>,
    since: Instant,
    now: Instant,
) -> Option<Box<dyn Shape>> {
    if let Toxic::Burst { on, off } = *toxic {
        return Some(burst::shape(on, off, since, now));
    }
    if stream != own {
        return None;
    }
    match *toxic {
        Toxic::Latency { delay, jitter } => Some(latency::shape(delay, jitter, chance())),
        Toxic::Bandwidth { rate } => Some(bandwidth::shape(rate, now)),
        Toxic::SlowClose { delay } => Some(slow_close::shape(delay)),
        Toxic::Timeout { .. } => Some(timeout::shape()),
        Toxic::Slicer { average, variation, delay } => {
            Some(slicer::shape(average, variation, delay, chance(), now))
        }
        Toxic::LimitData { bytes } => Some(limit_data::shape(bytes)),
        Toxic::Stall { after, hold } => Some(stall::shape(after, hold)),
        Toxic::ResetPeer { .. }
        | Toxic::Down
        | Toxic::Burst { .. }
        | Toxic::LimitConnections { .. }
        | Toxic::RefuseConnections
        | Toxic::DelayConnections { .. } => None,
    }
}

/// How, and how long after they met, the toxic ends a connection.
pub(super) fn end(toxic: &Toxic, meeting: Meeting) -> Option<(Duration, Ending)> {
    match (*toxic, meeting) {
        (Toxic::Timeout { after }, _) if !after.is_zero() => Some((after, Ending::Fin)),
        (Toxic::ResetPeer { after }, _) => Some((after, Ending::Reset)),
        (Toxic::Down, Meeting::Live) => Some((Duration::ZERO, Ending::Fin)),
        // The nearest to a refusal that can be done to one connection of a port that listens for others.
        (Toxic::Down | Toxic::RefuseConnections, Meeting::New) => Some((Duration::ZERO, Ending::Reset)),
        _ => None,
    }
}

/// How the toxic holds up a connection that is opened under it.
pub(super) fn opening(
    toxic: &Toxic,
    stream: Stream,
    chance: Chance<'_>,
    since: Instant,
    now: Instant,
) -> Opening {
    match *toxic {
        Toxic::Latency { delay, jitter } => {
            let delay = latency::vary(delay, jitter, &mut chance());
            match stream {
                Stream::Upstream => Opening { dial: delay, answer: Duration::ZERO },
                Stream::Downstream => Opening { dial: Duration::ZERO, answer: delay },
            }
        }
        Toxic::DelayConnections { delay, jitter } => {
            Opening { dial: latency::vary(delay, jitter, &mut chance()), answer: Duration::ZERO }
        }
        Toxic::Burst { on, off } => {
            Opening { dial: burst::rest_of_outage(on, off, since, now), answer: Duration::ZERO }
        }
        _ => Opening::default(),
    }
}

/// What is as good as never.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// `now` and `duration` later, however long that is.
pub(super) fn later(now: Instant, duration: Duration) -> Instant {
    now.checked_add(duration).unwrap_or(now + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::chunk::Chunk;
    use crate::units::Bytes;
    use crate::{Seed, clock};
    use proptest::prelude::*;

    fn any_toxic() -> impl Strategy<Value = Toxic> {
        let span = (0..5_u64).prop_map(Duration::from_millis);
        prop_oneof![
            (span.clone(), span.clone()).prop_map(|(delay, jitter)| Toxic::Latency { delay, jitter }),
            (0..5_000_u64).prop_map(|rate| Toxic::Bandwidth { rate: Bytes::new(rate).per_second() }),
            span.clone().prop_map(|delay| Toxic::SlowClose { delay }),
            span.clone().prop_map(|after| Toxic::Timeout { after }),
            (0..9_u64, 0..9_u64, span.clone()).prop_map(|(average, variation, delay)| Toxic::Slicer {
                average: Bytes::new(average),
                variation: Bytes::new(variation.min(average)),
                delay,
            }),
            (0..50_u64).prop_map(|bytes| Toxic::LimitData { bytes: Bytes::new(bytes) }),
            (span.clone(), span.clone()).prop_map(|(on, off)| Toxic::Burst { on, off }),
            (0..50_u64, span).prop_map(|(after, hold)| Toxic::Stall { after: Bytes::new(after), hold }),
        ]
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(usize),
        End,
        Wait(u64),
        Change(Toxic),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1..40_usize).prop_map(Step::Push),
            1 => Just(Step::End),
            4 => (0..4_000_u64).prop_map(Step::Wait),
            1 => any_toxic().prop_map(Step::Change),
        ]
    }

    proptest! {
        /// A connection's task sleeps until something is due: what is due and does not come would keep it awake for ever.
        #[test]
        fn what_gives_nothing_now_has_nothing_due_now(
            toxic in any_toxic(), steps in prop::collection::vec(step(), 1..40),
        ) {
            let mut now = clock::now();
            let chance = || Seed::new(1).stream("shape");
            let mut shape = shape(&toxic, Stream::Upstream, Stream::Upstream, &chance, now, now).expect("it shapes bytes");
            let mut ended = false;
            for step in steps {
                match step {
                    Step::Push(len) if !ended => shape.push(Item::Data(Chunk::new(&vec![0; len])), now),
                    Step::End if !ended => { ended = true; shape.push(Item::End(Ending::Fin), now) }
                    Step::Wait(micros) => now += Duration::from_micros(micros),
                    Step::Change(to) if to.kind() == toxic.kind() => shape.change(&to, now),
                    _ => {}
                }
                while shape.pop(now).is_some() {}
                prop_assert!(shape.next_due().is_none_or(|due| due > now), "{toxic}: due and not given");
            }
        }
    }
}
