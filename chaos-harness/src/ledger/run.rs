//! Where and when a trial ran.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Which attempt it was: a run of CI may be started again, and so may a trial in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Of the run, from 1.
    pub run: u32,
    /// Of the trial in it, from 1.
    pub trial: u32,
}

impl Attempt {
    /// The first of both: only that confirms anything.
    pub const FIRST: Self = Self { run: 1, trial: 1 };

    /// Whether it is the first of both.
    #[must_use]
    pub fn is_first(self) -> bool {
        self == Self::FIRST
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.trial)
    }
}

/// One run, over all its jobs and processes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRef {
    /// What tells it from others.
    pub id: String,
    /// Where it is to be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Whether GitHub made this ref for what is proposed: a pull request's, whatever happened to it, or the merge queue's.
fn is_proposed(git_ref: &str) -> bool {
    git_ref.starts_with("refs/pull/") || git_ref.starts_with("refs/heads/gh-readonly-queue/")
}

/// What started a run, and on which branch: so far as the machine it is on says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// What started it: GitHub's name of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The full name of the branch or tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// The short name of the repository's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// The repository: `owner/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

impl Origin {
    /// The event that started the run, where that is on something that nobody has merged yet: such a run goes by the ledger of
    /// its base, and changes none.
    #[must_use]
    pub fn unmerged(&self) -> Option<&str> {
        let event = self.event.as_deref()?;
        let is_unmerged = matches!(event, "pull_request" | "pull_request_target" | "merge_group")
            || self.git_ref.as_deref().is_some_and(is_proposed);
        is_unmerged.then_some(event)
    }
}
