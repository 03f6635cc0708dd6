//! What is known of an experiment, one fact at a time.

use super::{Attempt, Digest, ExperimentId, Fingerprint, Hasher, Moment, Policy, RunRef};
use crate::chance::Seed;
use crate::experiment::Verdict;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One fact about an experiment. Events are only ever added; the state of an experiment is what its events say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    schema: u32,
    /// The digest of all else it says.
    id: Digest,
    /// What it is about.
    experiment: ExperimentId,
    /// What of it this is about: another definition has no part in it.
    fingerprint: Fingerprint,
    /// When, by the clock of the machine that it happened on.
    at: Moment,
    /// The newest event in the ledger that was read there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_of: Option<Moment>,
    kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EventKind {
    /// A trial came to a verdict.
    Trial(TrialEvent),
    /// Someone gave it a stage.
    Promoted(ByHand),
    /// Someone took a stage from it.
    Demoted(ByHand),
}

/// A trial that came to a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialEvent {
    /// The stage, from 1.
    pub stage: usize,
    /// Its name.
    pub name: String,
    /// How many stages there are.
    pub of: usize,
    /// What became of the hypothesis.
    pub verdict: Verdict,
    /// Why, where it was not upheld.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What the trial's choices were drawn from.
    #[serde(with = "super::text")]
    pub seed: Seed,
    /// Which attempt it was.
    pub attempt: Attempt,
    /// The run.
    pub run: RunRef,
    /// What was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What it takes to earn the next stage.
    pub policy: Policy,
    /// Whether someone must have approved of it to count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_approval: bool,
    /// Who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// What someone decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByHand {
    /// The stage, from 1.
    pub to: usize,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// What is digested of an event.
#[derive(Serialize)]
struct Content<'a> {
    experiment: &'a ExperimentId,
    fingerprint: &'a Fingerprint,
    at: Moment,
    as_of: Option<Moment>,
    kind: &'a EventKind,
}

impl Event {
    /// The form that this release writes, and the only one it reads.
    pub const SCHEMA: u32 = 1;

    /// An event of this content.
    #[must_use]
    pub fn new(
        experiment: ExperimentId,
        fingerprint: Fingerprint,
        at: Moment,
        as_of: Option<Moment>,
        kind: EventKind,
    ) -> Self {
        let content = Content { experiment: &experiment, fingerprint: &fingerprint, at, as_of, kind: &kind };
        let id = content.digest();
        Self { schema: Self::SCHEMA, id, experiment, fingerprint, at, as_of, kind }
    }

    /// What tells it from all others: the digest of what it says.
    #[must_use]
    pub fn id(&self) -> Digest {
        self.id
    }

    /// What it is about.
    #[must_use]
    pub fn experiment(&self) -> &ExperimentId {
        &self.experiment
    }

    /// The definition that it is about.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// When it was, by the clock of the machine it was on.
    #[must_use]
    pub fn at(&self) -> Moment {
        self.at
    }

    /// The newest event in the ledger that was read there.
    #[must_use]
    pub fn as_of(&self) -> Option<Moment> {
        self.as_of
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// When it counts as having been: after all that was known where it happened, whatever the clock there said.
    #[must_use]
    pub fn effective(&self) -> Moment {
        let after_known = self.as_of.map(|known| known.after(Duration::from_millis(1)));
        after_known.map_or(self.at, |after| after.max(self.at))
    }
}

impl Content<'_> {
    fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        // The hasher takes all that is written to it, and nothing here cannot be written as JSON.
        let _ = serde_json::to_writer(&mut hasher, self);
        hasher.digest()
    }
}
