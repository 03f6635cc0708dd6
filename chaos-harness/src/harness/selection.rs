//! Which stages of an experiment run, and why the others do not.

use super::record::Proof;
use crate::settings::StageChoice;
use crate::units::Percent;
use crate::words::all_of;

/// What decides which stages run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Selection {
    /// What the profile says.
    pub(super) choice: StageChoice,
    /// Stages that reach more than this need an approval.
    pub(super) approval_over: Percent,
    /// Whether this run has one.
    pub(super) approved: bool,
}

impl Selection {
    /// Whether a stage counts only where someone approved of it. The first one is what any experiment begins with.
    pub(super) fn needs_approval(self, stage: usize, reaches: Percent) -> bool {
        stage > 1 && reaches > self.approval_over
    }

    /// Why a stage does not run unless it is asked for.
    pub(super) fn left_out(self, stage: usize, reaches: Percent, proof: &Proof) -> Option<String> {
        let earned = proof.earned;
        if self.choice == StageChoice::All || stage == earned {
            return None;
        }
        if stage < earned {
            return Some(format!("below the earned stage: stage {earned} is earned"));
        }
        if self.choice == StageChoice::Escalate && stage == earned + 1 {
            return self.not_tried(stage, reaches, proof);
        }
        let why = match (proof.reset.as_slice(), proof.confirmed) {
            ([], (confirmed, wanted)) if confirmed > 0 && stage == earned + 1 => {
                format!(", and this one has {confirmed} of {wanted} confirmations")
            }
            ([], _) => String::new(),
            (changed, _) => {
                let changed: Vec<_> = changed.iter().map(ToString::to_string).collect();
                format!(" again, since its {} changed", all_of(&changed))
            }
        };
        Some(format!("not earned yet: stage {earned} is earned{why}"))
    }

    /// Why the next stage is not tried.
    fn not_tried(self, stage: usize, reaches: Percent, proof: &Proof) -> Option<String> {
        if let Some(until) = proof.cooling_until {
            return Some(format!("cooling down until {}: it was refuted", until.in_minutes()));
        }
        (self.needs_approval(stage, reaches) && !self.approved).then(|| {
            format!(
                "needs an approval: it reaches {reaches}, and more than {} does \
                 (CHAOS_APPROVED_BY says who approved)",
                self.approval_over
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Moment, Part};

    /// The stages of four that run, and why the others do not.
    fn selected(choice: StageChoice, approved: bool, proof: &Proof) -> (Vec<usize>, Vec<String>) {
        let selection = Selection { choice, approval_over: Percent::new(50), approved };
        let reaches = [10, 20, 50, 100].map(Percent::new);
        let left_out: Vec<_> =
            (1..=4).map(|stage| selection.left_out(stage, reaches[stage - 1], proof)).collect();
        let runs = (1..=4).filter(|stage| left_out[stage - 1].is_none()).collect();
        (runs, left_out.into_iter().flatten().collect())
    }

    fn earned(earned: usize) -> Proof {
        Proof { earned, ..Proof::nothing(None) }
    }

    #[test]
    fn the_gate_runs_the_earned_stage_alone() {
        let (runs, why) = selected(StageChoice::Earned, true, &earned(2));
        assert_eq!(runs, [2]);
        assert_eq!(why[0], "below the earned stage: stage 2 is earned");
        assert_eq!(why[1..], ["not earned yet: stage 2 is earned"; 2]);
        let confirmed = Proof { confirmed: (1, 3), ..earned(2) };
        let why = selected(StageChoice::Earned, true, &confirmed).1;
        assert_eq!(why[1], "not earned yet: stage 2 is earned, and this one has 1 of 3 confirmations");
        assert_eq!(why[2], "not earned yet: stage 2 is earned");
    }

    #[test]
    fn escalating_tries_the_next_stage_as_well_unless_it_cools_down() {
        assert_eq!(selected(StageChoice::Escalate, false, &earned(1)).0, [1, 2]);
        assert_eq!(selected(StageChoice::Escalate, false, &earned(4)).0, [4]);
        let until = Some(Moment::from_millis(1_795_808_511_123));
        let cooling = Proof { cooling_until: until, ..earned(2) };
        let (runs, why) = selected(StageChoice::Escalate, true, &cooling);
        assert_eq!(runs, [2]);
        assert_eq!(why[1], "cooling down until 2026-11-27 19:41 UTC: it was refuted");
    }

    #[test]
    fn what_reaches_more_than_may_be_is_tried_only_with_an_approval() {
        assert_eq!(selected(StageChoice::Escalate, true, &earned(3)).0, [3, 4]);
        let (runs, why) = selected(StageChoice::Escalate, false, &earned(3));
        assert_eq!(runs, [3]);
        assert!(
            why[2].starts_with("needs an approval: it reaches 100%, and more than 50% does"),
            "{}",
            why[2]
        );
        // What was earned was approved of when it was.
        assert_eq!(selected(StageChoice::Earned, false, &earned(4)).0, [4]);
    }

    #[test]
    fn everything_is_everything() {
        let cooling = Proof { cooling_until: Some(Moment::LAST), ..earned(2) };
        assert_eq!(selected(StageChoice::All, false, &cooling).0, [1, 2, 3, 4]);
    }

    #[test]
    fn lost_proof_is_told_with_what_changed() {
        let reset = Proof { reset: vec![Part::Expect, Part::Faults], ..earned(1) };
        let (runs, why) = selected(StageChoice::Earned, false, &reset);
        assert_eq!(runs, [1]);
        assert_eq!(why[0], "not earned yet: stage 1 is earned again, since its expect and faults changed");
    }
}
