//! Recorders that push to one repository, all at once.

use super::figure::{Figure, Goal};
use super::timed;
use chaos_harness::Seed;
use chaos_harness::experiment::Verdict;
use chaos_harness::ledger::{
    Attempt, Digest, Evidence, EvidenceStage, ExperimentId, Fingerprint, Ledger, Moment, Origin, Part,
    Policy, RunRef, SourceLocation,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const RECORDERS: u64 = 16;

/// Of each.
const EVENTS: u64 = 200;

/// All record trials of the same ones.
const EXPERIMENTS: u64 = 40;

pub(crate) fn measure(command: &Path, folder: &Path) -> [Figure; 4] {
    let remote = folder.join("remote.git");
    timed(Command::new("git").args(["init", "--quiet", "--bare"]).arg(&remote));
    let now = Moment::now();
    let evidence: Vec<_> = (0..RECORDERS).map(|recorder| leave(folder, recorder, now)).collect();

    let began = Instant::now();
    let running: Vec<_> = evidence
        .iter()
        .map(|evidence| record(command, evidence, &remote).stdout(Stdio::piped()).spawn().expect("it starts"))
        .collect();
    let mut tries = Vec::new();
    for recorder in running {
        let output = recorder.wait_with_output().expect("it ends");
        assert!(output.status.success(), "a recorder failed");
        let said: Value = serde_json::from_slice(&output.stdout).expect("it says JSON");
        tries.push(said["written"]["to"]["pushed"]["tries"].as_u64().expect("it says how often it tried"));
    }
    let took = began.elapsed().as_secs_f64();

    let recorded = fetch(command, &remote, &folder.join("recorded"));
    assert_eq!(recorded.verify().expect("it can be read"), []);
    let there = recorded.all_events().expect("they can be read").len();
    let expected = usize::try_from(RECORDERS * EVENTS).expect("there are not that many");
    let before = tip(&remote);
    for evidence in &evidence {
        timed(&mut record(command, evidence, &remote));
    }
    let is_other = tip(&remote) != before;
    let (all, most) = (tries.iter().sum::<u64>(), tries.iter().max().copied().unwrap_or_default());
    [
        figure("events_lost", expected.abs_diff(there) as f64, "events", Goal::None),
        figure("changed_by_a_replay", f64::from(u8::from(is_other)), "branches", Goal::None),
        Figure {
            note: format!("{RECORDERS} recorders, {all} tries, {most} of one at most"),
            ..figure("tries_per_push", all as f64 / RECORDERS as f64, "tries", Goal::Any)
        },
        Figure {
            note: format!("{expected} events in {took:.1} s"),
            ..figure("recorded_per_second", expected as f64 / took, "events/s", Goal::Any)
        },
    ]
}

fn figure(name: &'static str, value: f64, unit: &'static str, goal: Goal) -> Figure {
    Figure { name, value, unit, goal, note: String::new() }
}

fn record(command: &Path, evidence: &Path, remote: &Path) -> Command {
    let mut record = Command::new(command);
    record.args(["ci", "record", "--format=json", "--push=chaos-ledger"]).stdin(Stdio::null());
    record.arg("--evidence").arg(evidence).arg("--remote").arg(remote).env_remove("GITHUB_EVENT_NAME");
    record
}

fn fetch(command: &Path, remote: &Path, into: &Path) -> Ledger {
    timed(Command::new(command).args(["ledger", "fetch", "--remote"]).arg(remote).arg("--into").arg(into));
    Ledger::open(into)
}

fn tip(remote: &Path) -> Vec<u8> {
    timed(Command::new("git").arg("--git-dir").arg(remote).args(["rev-parse", "chaos-ledger"])).1
}

/// What the trials of some runs left.
fn leave(folder: &Path, recorder: u64, now: Moment) -> PathBuf {
    let runs = folder.join(format!("evidence-{recorder}"));
    for number in 0..EVENTS {
        let (experiment, run) = (number % EXPERIMENTS, number / EXPERIMENTS);
        trial(experiment, &format!("run-{recorder}-{run}"), number, now)
            .write(&runs)
            .expect("it can be written");
    }
    runs
}

fn trial(experiment: u64, run: &str, seed: u64, at: Moment) -> Evidence {
    let name = format!("module::experiment_{experiment}");
    Evidence {
        schema: Evidence::SCHEMA,
        experiment: ExperimentId::new("shop", "chaos", name).expect("it is a name"),
        location: SourceLocation { file: "tests/chaos.rs".to_owned(), line: 1 },
        fingerprint: Fingerprint::new([(Part::Body, Digest::of(&experiment.to_le_bytes()))]),
        stage: EvidenceStage {
            number: 1,
            name: "single_instance".to_owned(),
            of: 4,
            asked: "1 instance".to_owned(),
            reached: Vec::new(),
            touched: None,
            risk: Some("low".to_owned()),
            needs_approval: false,
        },
        trial: String::new(),
        profile: "escalate".to_owned(),
        verdict: Verdict::Upheld,
        why: String::new(),
        thresholds: Vec::new(),
        seed: Seed::new(seed),
        attempt: Attempt::FIRST,
        at,
        as_of: None,
        run: RunRef { id: run.to_owned(), url: None },
        commit: Some(Digest::of(run.as_bytes()).to_string()),
        dirty: false,
        origin: Origin::default(),
        policy: Policy::default(),
        approved_by: None,
        injected: true,
        journal: String::new(),
        rerun: String::new(),
    }
}
