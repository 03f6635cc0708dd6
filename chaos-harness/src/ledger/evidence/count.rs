//! What evidence the ledger keeps, and why not the rest.

use super::Evidence;
use crate::ledger::{Event, EventKind, TrialEvent};

/// What starts a run on something that nobody has merged yet.
const UNMERGED: [&str; 3] = ["pull_request", "pull_request_target", "merge_group"];

/// Longest text of a verdict's reason that the ledger keeps: a state stays something to be read.
const LONGEST_WHY: usize = 300;

/// Why the ledger does not keep a trial.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotCounted {
    /// It ran on something that nobody has merged yet.
    #[error("it ran for `{event}`, on what nobody has merged yet")]
    Unmerged {
        /// GitHub's name of the event.
        event: String,
    },
    /// It ran on another branch than the default one.
    #[error("it ran on `{git_ref}`, and only `{default_branch}` counts")]
    OtherBranch {
        /// The branch or tag.
        git_ref: String,
        /// The default branch.
        default_branch: String,
    },
    /// No fault was injected.
    #[error("it injected no fault")]
    NotInjected,
    /// What was built is in no commit.
    #[error("what it ran was changed and not committed")]
    Dirty,
}

pub(super) fn to_event(evidence: &Evidence) -> Result<Event, NotCounted> {
    let origin = &evidence.origin;
    if let Some(event) = origin.event.as_ref().filter(|event| UNMERGED.contains(&event.as_str())) {
        return Err(NotCounted::Unmerged { event: event.clone() });
    }
    if let (Some(git_ref), Some(default_branch)) = (&origin.git_ref, &origin.default_branch)
        && git_ref.strip_prefix("refs/heads/") != Some(default_branch)
    {
        return Err(NotCounted::OtherBranch {
            git_ref: git_ref.clone(),
            default_branch: default_branch.clone(),
        });
    }
    if !evidence.injected {
        return Err(NotCounted::NotInjected);
    }
    if evidence.dirty {
        return Err(NotCounted::Dirty);
    }
    let trial = TrialEvent {
        stage: evidence.stage.number,
        name: evidence.stage.name.clone(),
        of: evidence.stage.of,
        verdict: evidence.verdict,
        why: evidence.why.chars().take(LONGEST_WHY).collect(),
        seed: evidence.seed,
        attempt: evidence.attempt,
        run: evidence.run.clone(),
        commit: evidence.commit.clone(),
        policy: evidence.policy,
        needs_approval: evidence.stage.needs_approval,
        approved_by: evidence.approved_by.clone(),
    };
    let (experiment, fingerprint) = (evidence.experiment.clone(), evidence.fingerprint.clone());
    Ok(Event::new(experiment, fingerprint, evidence.at, evidence.as_of, EventKind::Trial(trial)))
}
