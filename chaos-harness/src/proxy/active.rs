//! A toxic in force on a route.

use super::counters::{ToxicCounters, ToxicTally};
use super::link::ToxicId;
use super::sampling::Sampler;
use super::seats::Seats;
use super::sliced::{Sliced, Slices};
use super::spec::ToxicSpec;
use super::toxic::{Stream, Toxic};
use super::toxics::{self, Opening, Shape};
use crate::{Seed, chance};
use std::sync::Arc;
use std::time::Instant;

/// A toxic in force on a route: chooses its connections, and knows what became of them.
pub(super) struct ActiveToxic {
    pub(super) id: ToxicId,
    spec: ToxicSpec,
    /// Its own source of chance, named after route and toxic.
    decisions: String,
    seed: Seed,
    sampler: Sampler,
    tally: Arc<ToxicTally>,
    /// The places that there are, where it limits connections.
    seats: Option<Seats>,
    since: Instant,
    /// Connections that the route had accepted before.
    opened_before: u64,
}

impl ActiveToxic {
    pub(super) fn new(
        id: ToxicId,
        spec: ToxicSpec,
        route: &str,
        seed: Seed,
        opened_before: u64,
        since: Instant,
    ) -> Self {
        let decisions = format!("{route}/{}", spec.name);
        let sampler = Sampler::new(spec.toxicity.share(), seed.stream(&decisions));
        let seats = match spec.toxic {
            Toxic::LimitConnections { connections, .. } => Some(Seats::new(connections)),
            _ => None,
        };
        Self { id, spec, decisions, seed, sampler, tally: Arc::default(), seats, since, opened_before }
    }

    pub(super) fn name(&self) -> &str {
        &self.spec.name
    }

    pub(super) fn spec(&self) -> &ToxicSpec {
        &self.spec
    }

    pub(super) fn toxic(&self) -> &Toxic {
        &self.spec.toxic
    }

    pub(super) fn tally(&self) -> Arc<ToxicTally> {
        Arc::clone(&self.tally)
    }

    pub(super) fn seats(&self) -> Option<&Seats> {
        self.seats.as_ref()
    }

    /// Where bytes count as carried under the toxic; `None` for either direction.
    pub(super) fn counted(&self) -> Option<Stream> {
        (!self.spec.toxic.is_of_connections()).then_some(self.spec.stream)
    }

    /// Whether it acts on slices of time.
    pub(super) fn is_sliced(&self) -> bool {
        self.spec.slice.is_some()
    }

    /// Whether the route does not listen while this toxic is in force.
    pub(super) fn shuts_listener(&self) -> bool {
        self.spec.shuts_listener()
    }

    pub(super) fn counters(&self) -> ToxicCounters {
        self.tally.read(&self.spec.name, self.shuts_listener(), self.opened_before)
    }

    /// Decides, once and for all, whether it touches the connection that it meets next.
    pub(super) fn touches_next(&mut self) -> bool {
        self.is_sliced() || self.sampler.touches_next()
    }

    /// Has other parameters from now on. Decides anew where the toxicity is another.
    pub(super) fn change(&mut self, spec: ToxicSpec, now: Instant) {
        if spec.toxicity.share() != self.spec.toxicity.share() {
            self.sampler = Sampler::new(spec.toxicity.share(), self.seed.stream(&self.decisions));
        }
        if let (Some(seats), Toxic::LimitConnections { connections, .. }) = (&self.seats, spec.toxic) {
            seats.set_limit(connections);
        }
        if spec.toxic != self.spec.toxic {
            self.since = now;
        }
        self.spec = spec;
    }

    /// What it does to the bytes that go the way of `stream` on the route's `connection`th connection.
    pub(super) fn shape(&self, connection: u64, stream: Stream, now: Instant) -> Option<Box<dyn Shape>> {
        let chance = || self.chance(connection);
        let shape = toxics::shape(&self.spec.toxic, self.spec.stream, stream, &chance, self.since, now)?;
        let Some(slice) = self.spec.slice else { return Some(shape) };
        let chance = self.seed.stream(&format!("{}/{connection}/slices", self.decisions));
        let slices = Slices::new(slice, self.spec.toxicity.share(), chance, now);
        Some(Box::new(Sliced::new(shape, slices, self.tally())))
    }

    /// How it holds up the `connection`th connection, which is opened under it.
    pub(super) fn opening(&self, connection: u64, now: Instant) -> Opening {
        if self.is_sliced() {
            return Opening::default();
        }
        let chance = || self.seed.stream(&format!("{}/{connection}/opening", self.decisions));
        toxics::opening(&self.spec.toxic, self.spec.stream, &chance, self.since, now)
    }

    fn chance(&self, connection: u64) -> chance::Stream {
        self.seed.stream(&format!("{}/{connection}", self.decisions))
    }
}
