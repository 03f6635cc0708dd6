//! What the events of an experiment come to: the policy, and nothing else.

mod runs;

use super::{ByHand, Event, EventKind, Failure, Fingerprint, Moment, Move, Policy, Reset, State, TrialEvent};
use crate::chance::Seed;
use crate::experiment::Verdict;
use runs::{Run, Runs};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Takes the events of one experiment, in the order in which they count.
pub(super) fn fold(events: &[Event]) -> Option<State> {
    let mut fold = Fold::new(events)?;
    for event in events {
        fold.take(event);
    }
    Some(fold.state)
}

/// What is known after some of the events.
struct Fold<'a> {
    state: State,
    runs: Runs<'a>,
    /// When the definition of the state was first seen since the one before it.
    defined: Moment,
    /// All definitions that were seen.
    definitions: BTreeSet<&'a Fingerprint>,
    /// The names of stages.
    names: BTreeMap<usize, &'a str>,
    /// What confirmed a stage: the same again would say nothing new.
    confirmed: HashSet<Confirmation<'a>>,
    /// The runs that confirmed a stage: each does that once, on however many machines it runs.
    confirmed_in: HashSet<(usize, Run<'a>)>,
    /// The runs that upheld the next stage without having shown the earned one.
    pending: BTreeSet<Run<'a>>,
    /// The runs that moved the earned stage, or tried to: each does that once.
    spent: BTreeSet<Run<'a>>,
}

/// A stage, and what it was upheld with: commit and seed.
type Confirmation<'a> = (usize, Option<&'a str>, Seed);

impl<'a> Fold<'a> {
    fn new(events: &'a [Event]) -> Option<Self> {
        let first = events.first()?;
        Some(Self {
            state: State::first(first.experiment().clone(), first.fingerprint().clone()),
            runs: Runs::of(events),
            defined: first.effective(),
            definitions: BTreeSet::from([first.fingerprint()]),
            names: BTreeMap::new(),
            confirmed: HashSet::new(),
            confirmed_in: HashSet::new(),
            pending: BTreeSet::new(),
            spent: BTreeSet::new(),
        })
    }

    fn take(&mut self, event: &'a Event) {
        let at = event.effective();
        self.state.events = self.state.events.saturating_add(1);
        self.state.as_of = at;
        match event.kind() {
            EventKind::Trial(trial) => self.trial(event, trial, at),
            EventKind::Promoted(by_hand) => {
                // Whoever decided it had another definition before their eyes.
                if *event.fingerprint() == self.state.fingerprint {
                    self.promoted_by_hand(by_hand, at);
                }
            }
            // Less is always right.
            EventKind::Demoted(by_hand) => self.demoted_by_hand(by_hand, at),
        }
        self.state.pending = u32::try_from(self.pending.len()).unwrap_or(u32::MAX);
    }

    fn trial(&mut self, event: &'a Event, trial: &'a TrialEvent, at: Moment) {
        let fingerprint = event.fingerprint();
        if *fingerprint != self.state.fingerprint {
            // One that began after the definition changed says that it was changed back. A run that is started again is of
            // an old commit, whatever it knows.
            let is_back = trial.attempt.run == 1 && event.as_of().is_some_and(|known| known >= self.defined);
            if self.definitions.contains(fingerprint) && !is_back {
                return;
            }
            self.redefined(fingerprint, trial, at);
        }
        self.names.insert(trial.stage, &trial.name);
        self.state.of = trial.of;
        self.state.confirmations = trial.policy.confirmations().get();
        match trial.verdict {
            Verdict::Upheld => self.upheld(event, trial, at),
            Verdict::Refuted => self.refuted(trial, at),
            other => self.state.count(other),
        }
        // A trial may be the first that says what the earned stage is called.
        self.state.earned.name = self.names.get(&self.state.earned.number).map(|name| (*name).to_owned());
    }

    /// What was proved was proved of something else.
    fn redefined(&mut self, fingerprint: &'a Fingerprint, trial: &'a TrialEvent, at: Moment) {
        let fresh = State::first(self.state.experiment.clone(), fingerprint.clone());
        let before = std::mem::replace(&mut self.state, fresh);
        self.state.reset = Some(Reset {
            at,
            from: before.earned.number,
            parts: fingerprint.changed_since(&before.fingerprint),
            run: Some(trial.run.id.clone()),
            commit: trial.commit.clone(),
        });
        (self.state.events, self.state.as_of) = (before.events, before.as_of);
        self.defined = at;
        self.definitions.insert(fingerprint);
        self.names.clear();
        self.confirmed.clear();
        self.confirmed_in.clear();
        self.pending.clear();
    }

    fn upheld(&mut self, event: &'a Event, trial: &'a TrialEvent, at: Moment) {
        let (earned, run) = (self.state.earned.number, Run::of(trial));
        let is_approved = !trial.needs_approval || trial.approved_by.is_some();
        let in_run = self.runs.get(run, event.fingerprint());
        if trial.stage.checked_sub(1) != Some(earned)
            || !trial.attempt.is_first()
            || !is_approved
            || in_run.refuted_up_to(trial.stage)
            || self.spent.contains(&run)
        {
            return;
        }
        if let Policy::Confirm { .. } = trial.policy {
            if self.state.cooled_until.is_some_and(|until| at < until) {
                return;
            }
            if !in_run.upheld(earned) {
                self.pending.insert(run);
                return;
            }
            if self.confirmed_in.contains(&(trial.stage, run))
                || !self.confirmed.insert((trial.stage, trial.commit.as_deref(), trial.seed))
            {
                return;
            }
            self.confirmed_in.insert((trial.stage, run));
        }
        self.state.streak += 1;
        if self.state.streak >= trial.policy.confirmations().get() {
            self.spent.insert(run);
            let promoted = Move::by_trial(earned, trial.stage, trial, at);
            self.stand(trial.stage);
            self.state.cooled_until = None;
            self.state.promoted = Some(promoted);
        }
    }

    fn refuted(&mut self, trial: &'a TrialEvent, at: Moment) {
        let (earned, run) = (self.state.earned.number, Run::of(trial));
        // What lies beyond the next stage is not asked for yet.
        if trial.stage.saturating_sub(1) > earned || self.spent.contains(&run) {
            return;
        }
        self.state.last_failure = Some(Failure::of(trial, at));
        let Policy::Confirm { cool_down, .. } = trial.policy else { return };
        if trial.stage > earned {
            let until = at.after(cool_down);
            self.state.cooled_until = Some(self.state.cooled_until.map_or(until, |before| before.max(until)));
            self.stand(earned);
            return;
        }
        self.spent.insert(run);
        let demoted = earned.saturating_sub(1).max(1);
        self.stand(demoted);
        if demoted < earned {
            self.state.demoted = Some(Move::by_trial(earned, demoted, trial, at));
        }
    }

    fn promoted_by_hand(&mut self, by_hand: &ByHand, at: Moment) {
        let (from, to) = (self.state.earned.number, by_hand.to.min(self.state.of));
        if to > from {
            self.stand(to);
            self.state.cooled_until = None;
            self.state.promoted = Some(Move::by_hand(from, to, by_hand, at));
        }
    }

    fn demoted_by_hand(&mut self, by_hand: &ByHand, at: Moment) {
        let (from, to) = (self.state.earned.number, by_hand.to.max(1));
        if to < from {
            self.stand(to);
            self.state.demoted = Some(Move::by_hand(from, to, by_hand, at));
        }
    }

    /// At a stage, with nothing confirmed of the one after it.
    fn stand(&mut self, stage: usize) {
        self.state.earned.number = stage;
        self.state.earned.name = self.names.get(&stage).map(|name| (*name).to_owned());
        self.state.streak = 0;
        self.pending.clear();
    }
}

impl Move {
    fn by_trial(from: usize, to: usize, trial: &TrialEvent, at: Moment) -> Self {
        let (run, commit) = (Some(trial.run.id.clone()), trial.commit.clone());
        Self { from, to, at, run, commit, by: None, reason: None }
    }

    fn by_hand(from: usize, to: usize, by_hand: &ByHand, at: Moment) -> Self {
        let (by, reason) = (Some(by_hand.by.clone()), Some(by_hand.reason.clone()));
        Self { from, to, at, run: None, commit: None, by, reason }
    }
}

impl Failure {
    fn of(trial: &TrialEvent, at: Moment) -> Self {
        Self {
            stage: trial.stage,
            at,
            seed: trial.seed,
            run: trial.run.id.clone(),
            commit: trial.commit.clone(),
            why: trial.why.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
