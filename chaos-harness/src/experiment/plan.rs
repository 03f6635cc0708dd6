//! The plan of one trial: everything that was decided before it began.

use super::Definition;
use crate::blast_radius::{Reach, Risk, Rung, Scope};
use crate::chance::Seed;
use crate::fault::Fault;
use crate::redact::Redactor;
use crate::system::ChosenService;
use serde::Serialize;

/// Everything that was decided before a trial began. It is written to the journal: the same plan runs the same trial.
///
/// What is not to be shown (a [`Secret`](crate::Secret), the password of a URL, a variable or an option whose name says
/// what it is) is stored as `[redacted]`. A plan with such a gap is for reading: it is refused where it is to be run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Plan {
    /// The version of this form.
    pub schema: u32,
    /// What the experiment says.
    pub definition: Definition,
    /// Which stage of its ladder is run.
    pub stage: PlannedStage,
    /// How each service is provided.
    pub services: Vec<ChosenService>,
    /// What is injected, and where.
    pub injections: Vec<Injection>,
    /// What every random choice is drawn from.
    pub seed: Seed,
    /// Whether faults are injected at all: not under `CHAOS_NO_FAULT`.
    pub inject: bool,
}

/// One stage of a ladder, as it is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct PlannedStage {
    /// Its place on the ladder, from 1.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// How much it touches.
    pub scope: Scope,
    /// Stages after it that reach just the same.
    pub same: Vec<Scope>,
    /// How much there is to lose; none in a plan of a release that had no risks.
    #[serde(default)]
    pub risk: Option<Risk>,
    /// How strong it makes which faults, as an attribute says it: `latency(redis) = 50ms`. The injections have it.
    #[serde(default)]
    pub magnitude: Option<String>,
    /// What it touches of which service, where that is another share than it asks for: `1 of 3 instances (33 %) of redis`.
    #[serde(default)]
    pub reaches: Vec<String>,
}

/// A fault and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Injection {
    /// What is injected.
    pub fault: Fault,
    /// Which instances, or what share of the connections.
    pub reach: Reach,
}

impl Plan {
    /// The version of the form that this release writes.
    pub const SCHEMA: u32 = 1;

    /// Plans one stage of an experiment: draws the targets from the seed.
    pub(crate) fn new(
        definition: &Definition,
        rung: &Rung,
        services: Vec<ChosenService>,
        seed: Seed,
        inject: bool,
    ) -> Self {
        let injections = rung.faults.iter().zip(&rung.extents);
        let injections = injections.enumerate().map(|(index, (fault, extent))| Injection {
            // The index keeps two faults on one service from always meeting the same instances.
            reach: extent.draw(seed, &format!("{index}/{}", fault.service)),
            fault: fault.clone(),
        });
        Self {
            schema: Self::SCHEMA,
            definition: definition.clone(),
            stage: PlannedStage {
                number: rung.number,
                name: rung.stage.name(),
                scope: rung.stage.scope(),
                same: rung.same.iter().map(crate::blast_radius::Stage::scope).collect(),
                risk: Some(rung.risk()),
                magnitude: rung.stage.magnitude_text(),
                reaches: rung.differences(),
            },
            injections: injections.collect(),
            services,
            seed,
            inject,
        }
    }

    /// What of this plan, and of everything that comes of it, is not to be shown.
    pub(crate) fn redactor(&self) -> Redactor {
        let specs = self.definition.system.services.iter().flat_map(|service| &service.providers);
        let providers = specs.chain(self.services.iter().map(|service| &service.provider));
        let stored = std::cell::OnceCell::new();
        Redactor::of(providers, |redactor, value| {
            // A plan is plain data: it can be stored. Were it not so, it would say nothing openly.
            let store = || redactor.line(self).ok().and_then(|text| String::from_utf8(text).ok());
            stored.get_or_init(store).as_ref().is_some_and(|stored| stored.contains(value))
        })
    }
}

impl PlannedStage {
    /// What it asks for, as it is told beside what was reached.
    pub(crate) fn asked(&self) -> String {
        self.scope.told_with(self.magnitude.as_deref())
    }
}

impl Injection {
    /// The indices of the instances that it touches.
    pub(crate) fn instances(&self) -> &[usize] {
        match &self.reach {
            Reach::Instances { chosen, .. } | Reach::Time { chosen, .. } => chosen.as_slice(),
            Reach::Connections { .. } => &[0],
        }
    }
}
