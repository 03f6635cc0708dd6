//! What became of undoing: reported beside the verdict, never instead of it.

use crate::safety::{Attempt, Forced};
use serde::Serialize;
use std::fmt;

/// Whether a trial left everything as it was. Says nothing about the hypothesis: that is the verdict's affair.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum UndoResult {
    /// Everything was undone as it was meant to be.
    #[default]
    Clean,
    /// Nothing is left, but some of it was undone only by destroying what it was on.
    ByForce {
        /// What, and how.
        forced: Vec<Forced>,
    },
    /// Not everything was undone when it should have been.
    Failed {
        /// What was not.
        failures: Vec<NotUndone>,
        /// What was undone only by force.
        forced: Vec<Forced>,
    },
}

/// Something that was not undone when it should have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct NotUndone {
    /// What was to be done.
    pub what: String,
    /// Why it was not.
    pub why: String,
    /// What becomes of it.
    pub then: Then,
}

/// What becomes of something that was not undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Nothing is left of it: it was undone at last, or what it was on has ended with the trial.
    Ended,
    /// The guard tries again, and after it the next run.
    TriedAgain,
}

/// What a trial has undone so far, and could not undo.
#[derive(Debug, Default)]
pub(super) struct Undoing {
    pub(super) forced: Vec<Forced>,
    pub(super) failures: Vec<Attempt>,
}

impl Undoing {
    pub(super) fn extend(&mut self, more: Self) {
        self.forced.extend(more.forced);
        self.failures.extend(more.failures);
    }

    /// Why the steady state cannot come back by itself, if so: what is not undone holds it off, what was destroyed is gone.
    pub(super) fn in_the_way(&self) -> Option<String> {
        let failure = self.failures.first().map(Attempt::to_string);
        failure.or_else(|| self.forced.first().map(Forced::to_string))
    }

    pub(super) fn result(self, then: Then) -> UndoResult {
        let Self { forced, failures } = self;
        if failures.is_empty() {
            return if forced.is_empty() { UndoResult::Clean } else { UndoResult::ByForce { forced } };
        }
        let failures = failures.into_iter().map(|Attempt { way, why }| NotUndone { what: way, why, then });
        UndoResult::Failed { failures: failures.collect(), forced }
    }
}

impl UndoResult {
    /// One line for each thing that was not undone as it was meant to be.
    pub(crate) fn lines(&self) -> Vec<String> {
        let (failures, forced): (&[NotUndone], &[Forced]) = match self {
            Self::Clean => (&[], &[]),
            Self::ByForce { forced } => (&[], forced),
            Self::Failed { failures, forced } => (failures, forced),
        };
        let failures = failures.iter().map(|failure| format!("NOT UNDONE: {failure}"));
        failures.chain(forced.iter().map(|forced| format!("by force: {forced}"))).collect()
    }

    /// Whether something was not undone when it should have been.
    pub(crate) fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

impl fmt::Display for NotUndone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}; {}", self.what, self.why, self.then)
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "nothing is left of it by now",
            Self::TriedAgain => "the guard tries again, and after it the next run",
        })
    }
}
