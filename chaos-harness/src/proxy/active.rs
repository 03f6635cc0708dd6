//! A toxic in force on a route.

use super::counters::{ToxicCounters, ToxicTally};
use super::link::ToxicId;
use super::route::ToxicSpec;
use super::sampling::Sampler;
use super::toxic::{Stream, Toxic};
use super::toxics::{self, Effect, Meeting, Scope};
use crate::Seed;
use crate::units::Percent;
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
    /// Connections that the route had accepted before.
    opened_before: u64,
}

/// What comes of a toxic meeting a connection.
pub(super) struct Encounter {
    pub(super) toxic: ToxicId,
    /// Where bytes count as carried under the toxic; `None` for either direction.
    pub(super) stream: Option<Stream>,
    pub(super) touched: bool,
    /// Whether meeting the connection already counts as carrying: it was opened under a toxic of whole connections.
    pub(super) attempted: bool,
    pub(super) effect: Effect,
    pub(super) tally: Arc<ToxicTally>,
}

impl ActiveToxic {
    pub(super) fn new(id: ToxicId, spec: ToxicSpec, route: &str, seed: Seed, opened_before: u64) -> Self {
        let decisions = format!("{route}/{}", spec.name);
        let sampler = Sampler::new(spec.share, seed.stream(&decisions));
        Self { id, spec, decisions, seed, sampler, tally: Arc::default(), opened_before }
    }

    pub(super) fn name(&self) -> &str {
        &self.spec.name
    }

    /// Which way its shape goes.
    pub(super) fn stream(&self) -> Stream {
        self.spec.stream
    }

    /// Whether the route does not listen while this toxic is in force.
    pub(super) fn shuts_listener(&self) -> bool {
        self.spec.toxic == Toxic::Down && self.spec.share == Percent::ALL
    }

    pub(super) fn counters(&self) -> ToxicCounters {
        self.tally.read(&self.spec.name, self.shuts_listener(), self.opened_before)
    }

    /// Decides, once and for all, what this toxic does to the route's `connection`th connection.
    pub(super) fn meet(&mut self, connection: u64, meeting: Meeting, now: Instant) -> Encounter {
        let touched = self.sampler.touches_next();
        self.tally.meets(touched);
        let effect = if touched {
            let chance = self.seed.stream(&format!("{}/{connection}", self.decisions));
            toxics::effect(self.spec.toxic, meeting, chance, now)
        } else {
            Effect::default()
        };
        let whole = toxics::scope(self.spec.toxic) == Scope::Connection;
        Encounter {
            toxic: self.id,
            stream: (!whole).then_some(self.spec.stream),
            touched,
            attempted: whole && meeting == Meeting::New,
            effect,
            tally: Arc::clone(&self.tally),
        }
    }
}
