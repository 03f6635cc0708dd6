//! Where an experiment stands: what its events say, and what a gate goes by.

#[cfg(feature = "records")]
mod layout;

use super::form::{Form, FormError, read};
use super::{ExperimentId, Fingerprint, Moment, Part};
use crate::chance::Seed;
use serde::{Deserialize, Serialize};

/// Where an experiment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub(super) schema: u32,
    /// The experiment.
    pub experiment: ExperimentId,
    /// The definition that the rest is about.
    pub fingerprint: Fingerprint,
    /// The stage that the gate runs.
    pub earned: StageRef,
    /// How many stages there are.
    pub of: usize,
    /// How many times the next stage was confirmed so far.
    pub streak: u32,
    /// How many times it takes.
    pub confirmations: u32,
    /// How many runs upheld the next stage, but have not shown yet that they upheld the earned one.
    pub pending: u32,
    /// Until when the next stage is not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooled_until: Option<Moment>,
    /// How the earned stage was earned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<Move>,
    /// How a stage was lost last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demoted: Option<Move>,
    /// When all proof was lost because the definition changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
    /// The last refutation at the earned stage, below it, or at the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Failure>,
    /// What decided nothing.
    pub counts: Counts,
    /// How many events this comes of.
    pub events: u32,
    /// The newest of them.
    pub as_of: Moment,
}

/// A stage of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRef {
    /// Its number, from 1.
    pub number: usize,
    /// Its name, where a trial said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A change of the earned stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// From which stage.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// When.
    pub at: Moment,
    /// The run that brought it about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What was built in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Who decided it, where someone did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A change of the definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// When it was seen.
    pub at: Moment,
    /// The stage that had been earned.
    pub from: usize,
    /// What of it changed.
    pub parts: Vec<Part>,
    /// The run that saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What was built in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// A refutation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// At which stage.
    pub stage: usize,
    /// When.
    pub at: Moment,
    /// What the trial's choices were drawn from.
    #[serde(with = "super::text")]
    pub seed: Seed,
    /// The run.
    pub run: String,
    /// What was built in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Why.
    pub why: String,
}

/// How many trials decided nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// The samples could not decide.
    pub inconclusive: u32,
    /// The baseline did not hold.
    pub unsteady: u32,
    /// A halt condition was met.
    pub halted: u32,
    /// Something could not be done.
    pub error: u32,
}

/// What a gate goes by: the state as it is for one definition, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The number of the stage that the gate runs. An experiment without proof has earned the first.
    pub earned: usize,
    /// What changed since the proof was made: not empty where it counts for nothing.
    pub reset: Vec<Part>,
    /// Until when the next stage is not to be tried.
    pub cooling_until: Option<Moment>,
    /// How many times the next stage was confirmed so far.
    pub streak: u32,
    /// How many times it takes.
    pub wanted: u32,
}

impl State {
    /// The form that this release writes, and the only one it reads.
    pub const SCHEMA: u32 = 1;

    /// Before the first event: the first stage, and nothing confirmed.
    #[cfg(feature = "records")]
    pub(super) fn first(experiment: ExperimentId, fingerprint: Fingerprint) -> Self {
        Self {
            schema: Self::SCHEMA,
            experiment,
            fingerprint,
            earned: StageRef { number: 1, name: None },
            of: 1,
            streak: 0,
            confirmations: super::Policy::default().confirmations().get(),
            pending: 0,
            cooled_until: None,
            promoted: None,
            demoted: None,
            reset: None,
            last_failure: None,
            counts: Counts::default(),
            events: 0,
            as_of: Moment::from_millis(0),
        }
    }

    /// As the ledger has it: one line for each thing it says.
    #[cfg(feature = "records")]
    #[must_use]
    pub fn to_text(&self) -> String {
        layout::one_field_a_line(self)
    }

    /// Reads what [`State::to_text`] makes.
    pub(super) fn from_text(text: &[u8]) -> Result<Self, FormError> {
        read(text)
    }

    /// Where the experiment stands if `fingerprint` is that of its definition now.
    #[must_use]
    pub fn standing(&self, fingerprint: &Fingerprint, now: Moment) -> Standing {
        let reset = fingerprint.changed_since(&self.fingerprint);
        if !reset.is_empty() {
            return Standing { earned: 1, reset, cooling_until: None, streak: 0, wanted: self.confirmations };
        }
        Standing {
            earned: self.earned.number,
            reset,
            cooling_until: self.cooled_until.filter(|until| now < *until),
            streak: self.streak,
            wanted: self.confirmations,
        }
    }

    /// Counts one that decided nothing; the others are told otherwise.
    #[cfg(feature = "records")]
    pub(super) fn count(&mut self, verdict: crate::experiment::Verdict) {
        use crate::experiment::Verdict;
        match verdict {
            Verdict::Upheld | Verdict::Refuted => {}
            Verdict::Inconclusive => self.counts.inconclusive += 1,
            Verdict::Unsteady => self.counts.unsteady += 1,
            Verdict::Halted => self.counts.halted += 1,
            Verdict::Error => self.counts.error += 1,
        }
    }
}

impl Form for State {
    const SCHEMA: u32 = Self::SCHEMA;

    fn schema(&self) -> u32 {
        self.schema
    }

    fn problem(&self) -> Option<String> {
        let number = self.earned.number;
        let is_on_ladder = (1..=self.of).contains(&number);
        (!is_on_ladder).then(|| format!("stage {number} of {} cannot be earned", self.of))
    }
}
