//! Experiments, and what is known of them.

use chaos_harness::Seed;
use chaos_harness::experiment::Verdict;
use chaos_harness::ledger::{
    Attempt, Digest, Event, EventKind, ExperimentId, Fingerprint, Ledger, Moment, Part, Policy, RunRef,
    TrialEvent,
};
use std::path::Path;

/// An experiment of the ledger, and the definition that its proof is of.
pub(crate) type Experiment = (ExperimentId, Fingerprint);

/// One that no test program here has.
pub(crate) fn experiment(number: usize) -> Experiment {
    let id =
        ExperimentId::new("shop", format!("target_{}", number % 10), format!("module::experiment_{number}"));
    let part = |part| (part, Digest::of(&number.to_le_bytes()));
    let parts = [Part::Body, Part::Expect, Part::Faults, Part::Load, Part::Stages, Part::System];
    (id.expect("it is a name"), Fingerprint::new(parts.map(part)))
}

/// A ledger in which each of them has earned its second stage, and lost the third.
pub(crate) fn ledger(folder: &Path, experiments: &[Experiment]) {
    let ledger = Ledger::scratch(folder);
    let events = experiments.iter().flat_map(|experiment| {
        let nights = (0..3).flat_map(|day| [(1, day, Verdict::Upheld), (2, day, Verdict::Upheld)]);
        let trials = nights.chain([(3, 3, Verdict::Refuted)]);
        trials.map(|(stage, day, verdict)| trial(experiment, stage, day, verdict)).collect::<Vec<_>>()
    });
    ledger.append(events.collect()).expect("the ledger can be written");
}

fn trial((id, fingerprint): &Experiment, stage: usize, day: u64, verdict: Verdict) -> Event {
    let trial = TrialEvent {
        stage,
        name: "small_percentage".to_owned(),
        of: 3,
        verdict,
        why: if verdict == Verdict::Refuted {
            "p99 was 900ms, of at most 500ms".to_owned()
        } else {
            String::new()
        },
        seed: Seed::new(day),
        attempt: Attempt::FIRST,
        run: RunRef {
            id: format!("1795{day}"),
            url: Some(format!("https://github.com/shop/shop/actions/runs/1795{day}")),
        },
        commit: Some(format!("{}01234567", Digest::of(&day.to_le_bytes()))),
        policy: Policy::default(),
        needs_approval: false,
        approved_by: None,
    };
    let at = Moment::from_millis(1_795_000_000_000 + day * 86_400_000);
    Event::new(id.clone(), fingerprint.clone(), at, None, EventKind::Trial(trial))
}
