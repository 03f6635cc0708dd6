//! What each run came to as a whole: its trials are processes of their own, and end in any order.

use crate::experiment::Verdict;
use crate::ledger::{Event, EventKind, Fingerprint, TrialEvent};
use std::collections::{BTreeMap, BTreeSet};

/// One attempt at a run: a run that is started again is another one, which says nothing of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Run<'a> {
    id: &'a str,
    attempt: u32,
}

/// The runs, each with the trials of one definition.
pub(super) struct Runs<'a>(BTreeMap<(Run<'a>, &'a Fingerprint), InRun>);

/// What the trials of a run came to.
#[derive(Debug, Clone, Default)]
pub(super) struct InRun {
    upheld: BTreeSet<usize>,
    least_refuted: Option<usize>,
}

impl<'a> Runs<'a> {
    pub(super) fn of(events: &'a [Event]) -> Self {
        let mut runs: BTreeMap<_, InRun> = BTreeMap::new();
        for event in events {
            let EventKind::Trial(trial) = event.kind() else { continue };
            let run = runs.entry((Run::of(trial), event.fingerprint())).or_default();
            match trial.verdict {
                Verdict::Upheld => drop(run.upheld.insert(trial.stage)),
                Verdict::Refuted => {
                    let least = run.least_refuted.map_or(trial.stage, |least| least.min(trial.stage));
                    run.least_refuted = Some(least);
                }
                Verdict::Inconclusive | Verdict::Unsteady | Verdict::Halted | Verdict::Error => {}
            }
        }
        Self(runs)
    }

    pub(super) fn get(&self, run: Run<'a>, fingerprint: &'a Fingerprint) -> InRun {
        self.0.get(&(run, fingerprint)).cloned().unwrap_or_default()
    }
}

impl<'a> Run<'a> {
    pub(super) fn of(trial: &'a TrialEvent) -> Self {
        Self { id: &trial.run.id, attempt: trial.attempt.run }
    }
}

impl InRun {
    /// Whether a trial of this stage was upheld.
    pub(super) fn upheld(&self, stage: usize) -> bool {
        self.upheld.contains(&stage)
    }

    /// Whether a trial of this stage or one before it was refuted, in any attempt: then nothing in the run speaks for it.
    pub(super) fn refuted_up_to(&self, stage: usize) -> bool {
        self.least_refuted.is_some_and(|least| least <= stage)
    }
}
