//! What is known of an experiment, one fact at a time.

use super::form::{Form, FormError, is_plain, read};
use super::{Attempt, Digest, ExperimentId, Fingerprint, Hasher, Moment, Policy, RunRef};
use crate::chance::Seed;
use crate::experiment::Verdict;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest reason of a verdict that is kept, in characters: a state stays something to be read.
pub(super) const LONGEST_WHY: usize = 300;

/// Most stages of an experiment.
const MOST_STAGES: usize = 1_000;

/// One fact about an experiment. Events are only ever added; the state of an experiment is what its events say.
///
/// With the feature `records`.
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

impl Event {
    /// As the ledger has it: one line, without its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        // Nothing in it cannot be written as JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Event::to_line`] makes.
    pub(super) fn from_line(line: &[u8]) -> Result<Self, FormError> {
        read(line)
    }

    fn content(&self) -> Content<'_> {
        let Self { experiment, fingerprint, at, as_of, kind, .. } = self;
        Content { experiment, fingerprint, at: *at, as_of: *as_of, kind }
    }
}

impl Form for Event {
    const SCHEMA: u32 = Self::SCHEMA;

    fn schema(&self) -> u32 {
        self.schema
    }

    fn problem(&self) -> Option<String> {
        if self.content().digest() != self.id {
            return Some(format!("it is not what was recorded as {}: it was changed", self.id));
        }
        match &self.kind {
            EventKind::Trial(trial) => trial.problem(),
            EventKind::Promoted(by_hand) | EventKind::Demoted(by_hand) => by_hand.problem(),
        }
    }
}

impl TrialEvent {
    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        let (stage, of) = (self.stage, self.of);
        if !(1..=of).contains(&stage) || of > MOST_STAGES {
            return Some(format!("stage {stage} of {of} is on no ladder"));
        }
        if self.attempt.run == 0 || self.attempt.trial == 0 {
            return Some("attempts are counted from 1".to_owned());
        }
        if self.why.len() > LONGEST_WHY * 4 {
            return Some("it has too much to say of why".to_owned());
        }
        let texts = [Some(&self.name), Some(&self.run.id), self.run.url.as_ref(), self.commit.as_ref()];
        let texts = texts.into_iter().flatten().chain(&self.approved_by);
        let odd = texts.into_iter().find(|text| !is_plain(text));
        odd.map(|text| format!("`{}` is too long, or no plain text", start(text)))
    }
}

impl ByHand {
    fn problem(&self) -> Option<String> {
        if self.to == 0 {
            return Some("stages are counted from 1".to_owned());
        }
        if self.reason.trim().is_empty() {
            return Some("it gives no reason".to_owned());
        }
        let odd = [&self.reason, &self.by].into_iter().find(|text| !is_plain(text));
        odd.map(|text| format!("`{}` is too long, or no plain text", start(text)))
    }
}

/// As much of a text as can be shown.
fn start(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

impl Content<'_> {
    fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        // The hasher takes all that is written to it, and nothing here cannot be written as JSON.
        let _ = serde_json::to_writer(&mut hasher, self);
        hasher.digest()
    }
}
