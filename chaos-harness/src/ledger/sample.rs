//! Events for tests.

use super::{
    Attempt, ByHand, Digest, Event, EventKind, Evidence, EvidenceStage, ExperimentId, Fingerprint, Moment,
    Observed, Origin, Part, Policy, ReachedShare, RunRef, SourceLocation, TouchedOperations, TrialEvent,
};
use crate::chance::Seed;
use crate::experiment::Verdict;
use crate::units::Percent;
use std::num::NonZeroU32;
use std::time::Duration;

/// In milliseconds.
pub(super) const HOUR: u64 = 3_600_000;

/// The moment so many hours after a certain one.
pub(super) fn hour(hours: u64) -> Moment {
    Moment::from_millis(1_795_000_000_000 + hours * HOUR)
}

pub(super) fn experiment() -> ExperimentId {
    ExperimentId::new("shop", "chaos", "cart::slow").unwrap()
}

pub(super) fn fingerprint(body: u8) -> Fingerprint {
    Fingerprint::new([(Part::Body, Digest::of(&[body])), (Part::Load, Digest::of(b"load"))])
}

pub(super) fn confirm(confirmations: u32, cool_down_hours: u64) -> Policy {
    let confirmations = NonZeroU32::new(confirmations).unwrap();
    Policy::Confirm { confirmations, cool_down: Duration::from_millis(cool_down_hours * HOUR) }
}

/// A trial of a stage of four: upheld, at hour 0 in the run "run".
pub(super) fn trial(stage: usize) -> Sample {
    Sample {
        experiment: experiment(),
        body: 1,
        at: hour(0),
        as_of: None,
        trial: TrialEvent {
            stage,
            name: format!("stage_{stage}"),
            of: 4,
            verdict: Verdict::Upheld,
            why: String::new(),
            seed: Seed::new(1),
            attempt: Attempt::FIRST,
            run: RunRef { id: "run".to_owned(), url: None },
            commit: Some("c".to_owned()),
            policy: Policy::default(),
            needs_approval: false,
            approved_by: None,
        },
    }
}

/// What a trial of the second stage left on the default branch.
pub(super) fn evidence() -> Evidence {
    Evidence {
        schema: Evidence::SCHEMA,
        experiment: experiment(),
        location: SourceLocation { file: "tests/chaos.rs".to_owned(), line: 12 },
        fingerprint: fingerprint(1),
        stage: EvidenceStage {
            number: 2,
            name: "small_percentage".to_owned(),
            of: 4,
            asked: "5%".to_owned(),
            reached: vec![ReachedShare {
                service: "redis".to_owned(),
                text: "1 of 3 (33 %)".to_owned(),
                share: Percent::new(33),
            }],
            touched: Some(TouchedOperations { touched: 40, of: 120 }),
            risk: Some("low".to_owned()),
            needs_approval: false,
        },
        trial: "cart::slow::2_small_percentage".to_owned(),
        profile: "escalate".to_owned(),
        verdict: Verdict::Upheld,
        why: String::new(),
        thresholds: vec![Observed {
            threshold: "p99 < 500ms".to_owned(),
            observed: "p99 was 80ms".to_owned(),
            held: Some(true),
        }],
        seed: Seed::new(7),
        attempt: Attempt::FIRST,
        at: hour(1),
        as_of: Some(hour(0)),
        run: RunRef { id: "4711".to_owned(), url: Some("https://example.com/runs/4711".to_owned()) },
        commit: Some("0123abc".to_owned()),
        dirty: false,
        origin: Origin {
            event: Some("schedule".to_owned()),
            git_ref: Some("refs/heads/main".to_owned()),
            default_branch: Some("main".to_owned()),
            repository: Some("shop/shop".to_owned()),
        },
        policy: Policy::default(),
        approved_by: None,
        injected: true,
        journal: "4711/cart.slow.2_small_percentage/journal.jsonl".to_owned(),
        rerun: "CHAOS_SEED=0x7 cargo test".to_owned(),
    }
}

/// A run of its own on a day of its own that upholds a stage and the one before it.
pub(super) fn night(stage: usize, day: u64) -> [Event; 2] {
    let (run, commit) = (format!("night-{day}"), format!("c{day}"));
    [stage - 1, stage].map(|stage| trial(stage).run(&run).at(day * 24).commit(&commit).event())
}

pub(super) fn promoted(to: usize, hours: u64) -> Event {
    by_hand(EventKind::Promoted, to, hours)
}

pub(super) fn demoted(to: usize, hours: u64) -> Event {
    by_hand(EventKind::Demoted, to, hours)
}

fn by_hand(kind: fn(ByHand) -> EventKind, to: usize, hours: u64) -> Event {
    let decision = kind(ByHand { to, reason: "because".to_owned(), by: "ada".to_owned() });
    Event::new(experiment(), fingerprint(1), hour(hours), None, decision)
}

pub(super) struct Sample {
    experiment: ExperimentId,
    body: u8,
    at: Moment,
    as_of: Option<Moment>,
    trial: TrialEvent,
}

impl Sample {
    pub(super) fn event(self) -> Event {
        Event::new(self.experiment, fingerprint(self.body), self.at, self.as_of, EventKind::Trial(self.trial))
    }

    pub(super) fn of(mut self, name: &str) -> Self {
        self.experiment = ExperimentId::new("shop", "chaos", name).unwrap();
        self
    }

    pub(super) fn body(mut self, body: u8) -> Self {
        self.body = body;
        self
    }

    pub(super) fn at(mut self, hours: u64) -> Self {
        self.at = hour(hours);
        self
    }

    pub(super) fn knowing(self, hours: u64) -> Self {
        self.known(hour(hours))
    }

    pub(super) fn known(mut self, as_of: Moment) -> Self {
        self.as_of = Some(as_of);
        self
    }

    pub(super) fn refuted(mut self) -> Self {
        self.trial.why = "p99 was 900ms".to_owned();
        self.verdict(Verdict::Refuted)
    }

    pub(super) fn verdict(mut self, verdict: Verdict) -> Self {
        self.trial.verdict = verdict;
        self
    }

    pub(super) fn seed(mut self, seed: u64) -> Self {
        self.trial.seed = Seed::new(seed);
        self
    }

    pub(super) fn attempt(mut self, attempt: Attempt) -> Self {
        self.trial.attempt = attempt;
        self
    }

    pub(super) fn run(mut self, run: &str) -> Self {
        run.clone_into(&mut self.trial.run.id);
        self
    }

    pub(super) fn commit(mut self, commit: &str) -> Self {
        self.trial.commit = Some(commit.to_owned());
        self
    }

    pub(super) fn policy(mut self, policy: Policy) -> Self {
        self.trial.policy = policy;
        self
    }

    pub(super) fn needs_approval(mut self, approved_by: Option<&str>) -> Self {
        self.trial.needs_approval = true;
        self.trial.approved_by = approved_by.map(str::to_owned);
        self
    }
}
