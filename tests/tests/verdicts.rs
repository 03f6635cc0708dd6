//! Each verdict, each reason for it, and each fault: run as a user runs them, read from what they leave.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

use chaos_tests::trial::{Finished, Trial, events};
use serde_json::Value;

fn trial(name: &str) -> Trial {
    Trial::new(env!("CARGO_BIN_EXE_verdicts"), env!("CARGO_BIN_EXE_target-server"), name).unwrap()
}

/// Runs a trial of a known seed and checks what is true of every verdict: what was injected was undone, in reverse
/// order, and nothing is left running.
fn run(name: &str) -> Finished {
    check(trial(name).env("CHAOS_SEED", "7").run().unwrap())
}

fn check(finished: Finished) -> Finished {
    let journal = finished.journal();
    let names = |kind| {
        let events = events(&journal, kind);
        events.iter().map(|event| event["fault"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut undone = names("undone");
    undone.reverse();
    // A fault on several instances is undone on each.
    undone.dedup();
    assert_eq!(names("injecting"), undone, "{}", finished.said());
    assert!(events(&journal, "undone").iter().all(|event| event["failure"].is_null()), "{journal:#?}");
    assert_eq!(finished.services().unwrap(), Vec::<i32>::new(), "left running: {}", finished.said());
    finished
}

#[track_caller]
fn assert_concluded(finished: &Finished, verdict: &str, blame: Option<&str>, because: &[&str]) {
    let said = finished.said();
    let conclusion = &finished.report()["conclusion"];
    assert_eq!(conclusion["verdict"], verdict, "{said}");
    assert_eq!(conclusion["blame"].as_str(), blame, "{said}");
    let reasons: Vec<_> = conclusion["reasons"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert_eq!(reasons.is_empty(), because.is_empty(), "{said}");
    for part in because {
        assert!(reasons.iter().any(|reason| reason.contains(part)), "no reason has {part:?}: {reasons:#?}");
    }
    assert_eq!(finished.code(), if verdict == "upheld" { 0 } else { 101 }, "{said}");
    let written = events(&finished.journal(), "concluded").last().map(|event| event["conclusion"].clone());
    assert_eq!(written.as_ref(), Some(conclusion), "the journal and the report tell the same");
}

/// With this one, one of two connections is among a twentieth of them.
const SEED_THAT_MEETS_ONE: &str = "3";

/// The proofs of effect, each on its own.
fn effects(finished: &Finished) -> Vec<String> {
    let report = finished.report();
    let effects = report["facts"]["effects"].as_array().unwrap().clone();
    effects.iter().map(|effect| effect["seen"]["Ok"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn upheld_with_the_attributes_and_with_the_builder() {
    for name in ["outcomes::upheld::1_only", "by_hand::upheld::1_all"] {
        let finished = run(name);
        assert_concluded(&finished, "upheld", None, &[]);
        assert!(effects(&finished)[0].contains("connections carried data under it"));
        let headline =
            finished.stderr.lines().find(|line| line.starts_with(&format!("chaos: upheld {name}; ")));
        for part in ["; p90 < 1s (was ", "; error_rate < 10% (was 0%)", "; steady again "] {
            assert!(headline.is_some_and(|line| line.contains(part)), "{}", finished.stderr);
        }
    }
}

/// What was reached by the one fault there is, as the journal and the report have it.
fn reached(finished: &Finished) -> Value {
    let reached = finished.report()["facts"]["reached"][0].clone();
    let written = events(&finished.journal(), "reached").last().map(|event| event["reached"].clone());
    assert_eq!(written.as_ref(), Some(&reached), "{}", finished.said());
    reached
}

#[test]
fn a_ladder_of_magnitudes_injects_what_each_stage_says() {
    let mild = run("ladders::bears_some_latency::1_half");
    assert_concluded(&mild, "upheld", None, &[]);
    let injected = events(&mild.journal(), "injecting")[0]["fault"].clone();
    assert_eq!(injected, "latency 2ms ± 1ms on target", "its options stay as they are");
    let stage = &mild.report()["plan"]["stage"];
    assert_eq!((&stage["magnitude"], &stage["risk"]), (&"latency(target) = 2ms".into(), &"low".into()));
    assert_eq!(reached(&mild)["instances"], serde_json::json!({"hit": 2, "of": 4}));

    let harsh = trial("ladders::bears_some_latency::3_latency_target_500ms").arg("--ignored");
    let harsh = check(harsh.run().unwrap());
    assert_concluded(&harsh, "refuted", Some("system"), &["p90 < 200ms"]);
    assert_eq!(
        reached(&harsh)["instances"],
        serde_json::json!({"hit": 4, "of": 4}),
        "all, where it is not said"
    );
    let told = "asked 100 %, reached 4 of 4 instances (100 %), ";
    assert!(harsh.said().contains(told), "{}", harsh.said());
}

#[test]
fn what_was_reached_is_counted_beside_what_was_asked_for() {
    let finished = run("ladders::touches_a_third::1_twentieth");
    assert_concluded(&finished, "upheld", None, &[]);
    let line = "chaos: reach: ladders::touches_a_third::1_twentieth asks for 5% and touches 1 of 3 instances (33 %) of \
                `target`";
    assert!(finished.stderr.contains(line), "{}", finished.stderr);
    let reached = reached(&finished);
    assert_eq!(
        (&reached["asked"], &reached["instances"]),
        (&"5 %".into(), &serde_json::json!({"hit": 1, "of": 3}))
    );
    assert_eq!(reached["connections"], serde_json::json!({"hit": 2, "of": 6}), "two to each");
    let number = |value: &Value| value.as_u64().unwrap();
    // Each operation is one request, and goes to the next connection in turn.
    let (requests, operations) = (&reached["requests"], &reached["operations"]);
    let summary = &finished.report()["phases"][1]["summary"];
    assert_eq!(operations["started"], summary["operations"]);
    assert_eq!(requests["of"], summary["operations"], "{reached}");
    let third = number(&requests["of"]) / 3;
    assert!(number(&requests["hit"]).abs_diff(third) <= 2, "{reached}");
    assert!(number(&operations["met"]).abs_diff(third) <= 2, "{reached}");
}

#[test]
fn refuted_by_a_threshold() {
    let finished = run("outcomes::refuted_by_threshold::1_only");
    assert_concluded(&finished, "refuted", Some("system"), &["error_rate < 10%"]);
}

#[test]
fn refuted_by_a_broken_invariant_that_is_shown_once() {
    let finished = run("outcomes::refuted_by_panic::1_only");
    assert_concluded(&finished, "refuted", Some("system"), &["panicked in turbulence", "an order was lost"]);
    // What the operations themselves wrote goes to standard error.
    assert_eq!(finished.stdout.matches("an order was lost").count(), 1, "{}", finished.stdout);
}

#[test]
fn refuted_because_the_steady_state_does_not_come_back() {
    let finished = run("outcomes::refuted_by_no_recovery::1_only");
    assert_concluded(&finished, "refuted", Some("system"), &["did not come back within 300ms"]);
}

#[test]
fn inconclusive_because_no_effect_was_seen() {
    let finished = run("outcomes::inconclusive_without_effect::1_only");
    let because = ["latency 100ms on unused", "no connection of the workload met it"];
    assert_concluded(&finished, "inconclusive", Some("injector"), &because);
}

#[test]
fn inconclusive_because_another_share_was_reached_than_asked_for() {
    let finished = check(
        trial("outcomes::inconclusive_by_share::1_only")
            .env("CHAOS_SEED", SEED_THAT_MEETS_ONE)
            .run()
            .unwrap(),
    );
    let because = ["it met 1 of the 2 connections", "where 5% was asked for", "a pool of at least 20"];
    assert_concluded(&finished, "inconclusive", Some("injector"), &because);
}

#[test]
fn inconclusive_because_samples_do_not_decide_in_thrice_the_time() {
    let finished = run("outcomes::inconclusive_by_samples::1_only");
    assert_concluded(&finished, "inconclusive", Some("harness"), &["undecided"]);
    let report = finished.report();
    let turbulence = &report["phases"][1];
    assert_eq!(turbulence["extended"], true);
    assert_eq!(turbulence["summary"]["operations"], 3 * 80);
    assert_eq!(events(&finished.journal(), "phase_extended").len(), 1);
}

/// It would be made longer by twice its 400 ms: the limit on the time of faults ends it before.
#[test]
fn inconclusive_because_the_time_for_faults_was_used_up() {
    let trial = trial("outcomes::inconclusive_by_samples::1_only").env("CHAOS_MAX_FAULT_TIME", "600ms");
    let finished = check(trial.env("CHAOS_SEED", "7").run().unwrap());
    assert_concluded(
        &finished,
        "inconclusive",
        Some("environment"),
        &["CHAOS_MAX_FAULT_TIME) was used up in turbulence"],
    );
    let operations = finished.report()["phases"][1]["summary"]["operations"].as_u64().unwrap();
    assert!((80..3 * 80).contains(&operations), "{operations}");
}

#[test]
fn unsteady_and_nothing_was_injected() {
    let finished = run("outcomes::unsteady::1_only");
    assert_concluded(&finished, "unsteady", Some("system"), &["error_rate < 10%"]);
    assert!(events(&finished.journal(), "injecting").is_empty());
}

#[test]
fn halted_long_before_the_end_of_the_phase() {
    let finished = run("outcomes::halted::1_only");
    assert_concluded(&finished, "halted", Some("system"), &["turbulence was halted by error_rate > 50%"]);
    let report = finished.report();
    assert!(report["took"]["secs"].as_u64().unwrap() < 15, "turbulence alone would take 20 s");
    assert!(
        report["phases"][1]["lasted"]["secs"].as_u64().unwrap() < 15,
        "it says how long it really lasted"
    );
    assert_eq!(events(&finished.journal(), "halted").len(), 1);
}

#[test]
fn errors_blame_who_is_to_look_at_them() {
    let expected = [
        ("by_hand::error_of_service::1_all", "environment", "no licence"),
        ("by_hand::error_of_start::1_all", "system", "could not build the system: the schema is not there"),
        (
            "by_hand::error_of_panic::1_all",
            "system",
            "panicked to build the system: one replica is not enough",
        ),
        ("by_hand::error_of_stop::1_all", "system", "could not end the system: it cannot be ended"),
    ];
    for (name, blame, because) in expected {
        assert_concluded(&run(name), "error", Some(blame), &[because]);
    }
}

#[test]
fn every_fault_is_proved_and_undone() {
    let expected = [
        ("latency", "20 of 20 connections carried data under it"),
        ("bandwidth", "20 of 20 connections carried data under it"),
        ("timeout", "connections carried data under it"),
        ("reset_peer", "ended by it"),
        (
            "down",
            "nothing listens; the workload used this route before (20 connections, 20 of them ended by it)",
        ),
        ("kill", "it has ended (killed (SIGKILL)) and refuses connections"),
        ("stop", "it has ended"),
        ("pause", "it answers nothing within 200 ms"),
        ("starve_cpu", "it has been frozen"),
        ("limit_memory", "its limit reads back as 512MiB"),
        ("latency_in_slices", "arrived in the 20% of time that it acts on"),
        ("slicer", "20 of 20 connections carried data under it"),
        ("limit_data", "ended by it"),
        ("stall", "connections carried data under it"),
        ("burst", "20 of 20 connections carried data under it"),
        ("refuse_connections", "nothing listens; the workload used this route before"),
        ("limit_connections", "ended by it"),
        ("delay_connections", "connections carried data under it"),
        ("slow_close", "connections carried data under it"),
    ];
    for (fault, proof) in expected {
        let stage = if fault == "latency_in_slices" { "fifth" } else { "all" };
        let finished = run(&format!("faults::{fault}::1_{stage}"));
        assert_concluded(&finished, "upheld", None, &[]);
        let effects = effects(&finished);
        assert!(effects[0].contains(proof), "{fault}: {effects:?}");
    }
}

/// The last is undone first: while the other one still holds the instance, which is no failure.
#[test]
fn two_faults_on_one_instance_are_undone_one_by_one() {
    let finished = run("faults::two_on_one::1_all");
    assert_concluded(&finished, "upheld", None, &[]);
    let effects = effects(&finished);
    assert!(
        effects[0].contains("answers nothing") && effects[1].contains("reads back as 4GiB"),
        "{effects:?}"
    );
    assert_eq!(finished.report()["undo"]["result"], "clean");
}

#[test]
fn a_failing_trial_says_all_there_is_to_know() {
    let finished = run("outcomes::refuted_by_threshold::1_only");
    let report = finished.report();
    let target = report["plan"]["injections"][0]["reach"]["Instances"]["chosen"][0].as_u64().unwrap() + 1;
    let folder = report["folder"].as_str().unwrap().to_owned();
    let said = finished.said();
    let parts = [
        "refuted outcomes::refuted_by_threshold::1_only, look at the system under test".to_owned(),
        "hypothesis  a dead replica is not noticed".to_owned(),
        "VIOLATED: error_rate < 10%: ".to_owned(),
        "25 of 100 failed, at least 18% with 95% confidence (10% allowed)".to_owned(),
        "turbulence  500ms".to_owned(),
        "confidence  95% in each threshold: exact binomial bounds, assuming".to_owned(),
        format!("kill target: 1 of 4 instances (number {target})"),
        "effect".to_owned(),
        format!("log         target-{target}, last 2 lines"),
        "│ listening on 127.0.0.1:".to_owned(),
        "seed        0x7".to_owned(),
        format!("folder      {folder}"),
        "run again   CHAOS_SEED=0x7 cargo run -p chaos-tests --bin verdicts".to_owned(),
        "-- --exact outcomes::refuted_by_threshold::1_only --include-ignored".to_owned(),
    ];
    for part in parts {
        assert!(said.contains(&part), "{part:?} is missing from: {said}");
    }
}

#[test]
fn the_command_that_runs_it_again_picks_the_same_targets() {
    let first = check(trial("outcomes::refuted_by_threshold::1_only").run().unwrap());
    let report = first.report();
    let command = report["rerun"].as_str().unwrap();
    let (environment, arguments) = command.split_once(" cargo run ").unwrap();
    let (variable, value) = environment.split_once('=').unwrap();
    let (_, arguments) = arguments.split_once("-- --exact ").unwrap();
    let (name, option) = arguments.split_once(' ').unwrap();
    let second = check(trial(name).env(variable, value).arg(option).run().unwrap()).report();
    for part in ["seed", "injections", "definition", "stage"] {
        assert_eq!(report["plan"][part], second["plan"][part]);
    }
    assert_eq!(report["conclusion"]["verdict"], second["conclusion"]["verdict"]);
}

#[test]
fn the_lenient_profile_warns_of_what_is_inconclusive_and_of_nothing_else() {
    let lenient = |name| check(trial(name).env("CHAOS_PROFILE", "lenient").run().unwrap());
    let finished = lenient("outcomes::inconclusive_without_effect::1_only");
    assert_eq!(finished.report()["conclusion"]["verdict"], "inconclusive");
    assert_eq!(finished.code(), 0, "{}", finished.said());
    assert!(finished.stderr.contains("chaos: warning: inconclusive outcomes::"), "{}", finished.stderr);
    let finished = lenient("outcomes::refuted_by_threshold::1_only");
    assert_concluded(&finished, "refuted", Some("system"), &["error_rate < 10%"]);
    assert!(finished.report()["rerun"].as_str().unwrap().contains("CHAOS_PROFILE=lenient"));
}
