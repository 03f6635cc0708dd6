//! What evidence the ledger keeps, and why not the rest.

use super::Evidence;
use crate::ledger::event::LONGEST_WHY;
use crate::ledger::{Elsewhere, Event, EventKind, Moment, TrialEvent};
use std::time::Duration;

/// How far the clocks of two machines may be apart.
const MOST_AHEAD: Duration = Duration::from_secs(24 * 3600);

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
    /// The clock of its machine is ahead: it would be the newest event until then, and all that comes after it no older.
    #[error(
        "it says that it ended, or knew of something, at {at}, which is yet to come: one clock is wrong; with both right, record it again"
    )]
    Ahead {
        /// When it ended, by its machine's clock.
        at: Moment,
    },
}

impl From<Elsewhere> for NotCounted {
    fn from(elsewhere: Elsewhere) -> Self {
        match elsewhere {
            Elsewhere::Unmerged { event } => Self::Unmerged { event },
            Elsewhere::OtherBranch { git_ref, default_branch } => {
                Self::OtherBranch { git_ref, default_branch }
            }
        }
    }
}

pub(super) fn to_event(evidence: &Evidence, now: Moment) -> Result<Event, NotCounted> {
    if let Some(elsewhere) = evidence.origin.elsewhere() {
        return Err(elsewhere.into());
    }
    if !evidence.injected {
        return Err(NotCounted::NotInjected);
    }
    if evidence.dirty {
        return Err(NotCounted::Dirty);
    }
    let newest = evidence.as_of.map_or(evidence.at, |known| known.max(evidence.at));
    if newest > now.after(MOST_AHEAD) {
        return Err(NotCounted::Ahead { at: newest });
    }
    let (experiment, fingerprint) = (evidence.experiment.clone(), evidence.fingerprint.clone());
    let kind = EventKind::Trial(trial_event(evidence));
    Ok(Event::new(experiment, fingerprint, evidence.at, evidence.as_of, kind))
}

pub(super) fn trial_event(evidence: &Evidence) -> TrialEvent {
    TrialEvent {
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
        approved_by: evidence.approved_by.clone().filter(|approved_by| !approved_by.trim().is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sample::{evidence, hour};

    fn refused(change: impl FnOnce(&mut Evidence)) -> String {
        let mut evidence = evidence();
        change(&mut evidence);
        evidence.to_event(hour(2)).unwrap_err().to_string()
    }

    #[test]
    fn what_was_merged_and_had_faults_counts() {
        let evidence = evidence();
        let event = evidence.to_event(hour(2)).unwrap();
        assert_eq!((event.at(), event.as_of()), (evidence.at, evidence.as_of));
        assert!(
            matches!(event.kind(), EventKind::Trial(trial) if trial.stage == 2 && trial.run == evidence.run)
        );
    }

    #[test]
    fn a_machine_that_says_nothing_of_branches_is_believed() {
        let mut evidence = evidence();
        evidence.origin = crate::ledger::Origin::default();
        assert!(evidence.to_event(hour(2)).is_ok());
    }

    #[test]
    fn what_proves_nothing_of_the_default_branch_does_not_count() {
        for event in ["pull_request", "pull_request_target", "merge_group"] {
            assert!(refused(|evidence| evidence.origin.event = Some(event.to_owned())).contains(event));
        }
        for other in ["refs/heads/feature", "refs/tags/main", "main"] {
            let said = refused(|evidence| evidence.origin.git_ref = Some(other.to_owned()));
            assert!(said.contains(other) && said.contains("`main`"), "{said}");
        }
        for proposed in ["refs/pull/7/merge", "refs/heads/gh-readonly-queue/main/pr-7"] {
            let said = refused(|evidence| evidence.origin.git_ref = Some(proposed.to_owned()));
            assert!(said.contains("nobody has merged"), "{said}");
        }
        assert!(refused(|evidence| evidence.injected = false).contains("no fault"));
        assert!(refused(|evidence| evidence.dirty = true).contains("not committed"));
    }

    #[test]
    fn a_clock_that_is_ahead_is_told_and_one_a_little_ahead_is_not() {
        let evidence = evidence();
        let long_before = Moment::from_millis(evidence.at.as_millis() - 25 * 3_600_000);
        let error = evidence.to_event(long_before).unwrap_err();
        assert_eq!(error, NotCounted::Ahead { at: evidence.at });
        assert!(evidence.to_event(hour(0)).is_ok());
    }

    #[test]
    fn a_long_reason_is_cut_and_a_blank_approval_is_none() {
        let mut evidence = evidence();
        evidence.why = "é".repeat(5_000);
        evidence.approved_by = Some(" ".to_owned());
        let trial = trial_event(&evidence);
        assert_eq!((trial.why.chars().count(), trial.approved_by.as_ref()), (LONGEST_WHY, None));
        assert_eq!(trial.problem(), None);
    }
}
