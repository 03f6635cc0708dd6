//! The policy once more, as slow and as plain as it can be said: each question is asked of all events anew.

use super::*;

/// Earned stage, streak, and the end of the cool-down.
pub(super) fn naive(events: &[Event]) -> (usize, u32, Option<Moment>) {
    let mut done: Vec<(&Event, Outcome)> = Vec::new();
    let (mut earned, mut streak, mut cooled) = (1, 0, None::<Moment>);
    for event in events {
        let current = done.iter().rev().find(|(_, outcome)| *outcome == Outcome::Defines);
        let current = current.map_or(&events[0], |(event, _)| *event);
        let outcome = match event.kind() {
            EventKind::Promoted(by_hand) => {
                let of = done
                    .iter()
                    .rev()
                    .find_map(|(event, outcome)| counted(event, *outcome))
                    .map_or(1, |trial| trial.of);
                if event.fingerprint() == current.fingerprint() && by_hand.to.min(of) > earned {
                    (earned, streak, cooled) = (by_hand.to.min(of), 0, None);
                }
                Outcome::ByHand
            }
            EventKind::Demoted(by_hand) => {
                if by_hand.to < earned {
                    (earned, streak) = (by_hand.to, 0);
                }
                Outcome::ByHand
            }
            EventKind::Trial(trial) => {
                let is_other = event.fingerprint() != current.fingerprint();
                let is_known = events.iter().take(done.len()).any(|before| {
                    before.fingerprint() == event.fingerprint()
                        && (std::ptr::eq(before, &raw const events[0])
                            || done.iter().any(|(done, outcome)| {
                                std::ptr::eq(*done, before) && *outcome == Outcome::Defines
                            }))
                });
                let is_old =
                    trial.attempt.run > 1 || event.as_of().is_none_or(|known| known < current.effective());
                if is_other && is_known && is_old {
                    done.push((event, Outcome::Stale));
                    continue;
                }
                if is_other {
                    (earned, streak, cooled) = (1, 0, None);
                }
                let moved = done.iter().any(|(before, outcome)| {
                    *outcome == Outcome::Moves && run_of(before) == Some((&trial.run.id, trial.attempt.run))
                });
                let verdict = if moved {
                    Outcome::Nothing
                } else {
                    step(events, event, trial, &done, &mut earned, &mut streak, &mut cooled)
                };
                if is_other {
                    done.push((event, Outcome::Defines));
                }
                verdict
            }
        };
        done.push((event, outcome));
    }
    (earned, streak, cooled)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Stale,
    Defines,
    Confirms,
    Moves,
    ByHand,
    Nothing,
}

fn counted(event: &Event, outcome: Outcome) -> Option<&TrialEvent> {
    match event.kind() {
        EventKind::Trial(trial) if outcome != Outcome::Stale => Some(trial),
        _ => None,
    }
}

fn run_of(event: &Event) -> Option<(&String, u32)> {
    match event.kind() {
        EventKind::Trial(trial) => Some((&trial.run.id, trial.attempt.run)),
        _ => None,
    }
}

fn step(
    events: &[Event],
    event: &Event,
    trial: &TrialEvent,
    done: &[(&Event, Outcome)],
    earned: &mut usize,
    streak: &mut u32,
    cooled: &mut Option<Moment>,
) -> Outcome {
    let at = event.effective();
    let said = |verdict, stages: std::ops::RangeInclusive<usize>| {
        events.iter().filter(|other| other.fingerprint() == event.fingerprint()).any(|other| {
            match other.kind() {
                EventKind::Trial(other) => {
                    (&other.run.id, other.attempt.run) == (&trial.run.id, trial.attempt.run)
                        && other.verdict == verdict
                        && stages.contains(&other.stage)
                }
                _ => false,
            }
        })
    };
    match (trial.verdict, trial.policy) {
        (Verdict::Refuted, Policy::Confirm { cool_down, .. }) if trial.stage == *earned + 1 => {
            *streak = 0;
            *cooled = (*cooled).max(Some(at.after(cool_down)));
            Outcome::Nothing
        }
        (Verdict::Refuted, Policy::Confirm { .. }) if trial.stage <= *earned => {
            (*earned, *streak) = ((*earned).max(2) - 1, 0);
            Outcome::Moves
        }
        (Verdict::Upheld, policy) if trial.stage == *earned + 1 => {
            let is_clean = trial.attempt == Attempt::FIRST
                && (!trial.needs_approval || trial.approved_by.is_some())
                && !said(Verdict::Refuted, 1..=trial.stage);
            let is_new = || {
                let since = done.iter().rposition(|(_, outcome)| *outcome == Outcome::Defines).unwrap_or(0);
                !done[since..].iter().any(|(before, outcome)| match before.kind() {
                    EventKind::Trial(before) => {
                        matches!(outcome, Outcome::Confirms | Outcome::Moves)
                            && before.verdict == Verdict::Upheld
                            && before.policy != Policy::Simple
                            && before.stage == trial.stage
                            && ((&before.commit, before.seed) == (&trial.commit, trial.seed)
                                || (&before.run.id, before.attempt.run) == (&trial.run.id, trial.attempt.run))
                    }
                    _ => false,
                })
            };
            let counts = match policy {
                Policy::Simple => is_clean,
                Policy::Confirm { .. } => {
                    is_clean
                        && cooled.is_none_or(|until| at >= until)
                        && said(Verdict::Upheld, *earned..=*earned)
                        && is_new()
                }
            };
            if !counts {
                return Outcome::Nothing;
            }
            *streak += 1;
            if *streak < policy.confirmations().get() {
                return Outcome::Confirms;
            }
            (*earned, *streak, *cooled) = (trial.stage, 0, None);
            Outcome::Moves
        }
        _ => Outcome::Nothing,
    }
}
