//! `cargo chaos status` and `cargo chaos ledger verify`.

use super::bed::{Bed, experiment, nights, refuted, trial};
use chaos_harness::ledger::{Digest, Fingerprint, Ledger, Part};
use std::fs;

/// A ledger in which one experiment has something of everything.
fn told() -> Bed {
    let bed = Bed::new();
    let mut other = trial(1, "n9", 1);
    other.experiment = "shop::chaos::other".parse().unwrap();
    let all = [nights(), vec![refuted(trial(3, "bad", 1)), other]].concat();
    let evidence = bed.leave("evidence", &all);
    bed.done(&["ci", "record", "--evidence", &evidence]);
    bed
}

#[test]
fn each_experiment_is_shown_with_what_it_waits_for() {
    let bed = told();
    let said = bed.done(&["status"]);
    let lines: Vec<_> = said.lines().collect();
    assert!(
        lines[0].starts_with("EXPERIMENT ") && lines[0].contains("EARNED") && lines[0].ends_with("NEXT"),
        "{said}"
    );
    assert!(lines[1].starts_with("shop::chaos::cart::slow_redis  2 of 3 (stage_2)"), "{said}");
    assert!(lines[1].contains("cooling down until"), "{said}");
    assert!(lines[2].starts_with("    promoted from 1 to 2 in run n3 at "), "{said}");
    assert!(lines[3].starts_with("    refuted at 3 in run bad at "), "{said}");
    assert!(lines[3].contains("seed 0x7: p99 was 900ms"), "{said}");
    assert!(
        lines[4].starts_with("shop::chaos::other ") && lines[4].ends_with("0 of 3 for the next"),
        "{said}"
    );

    let one = bed.done(&["status", "other"]);
    assert!(!one.contains("slow_redis") && one.contains("shop::chaos::other"), "{one}");
    let json = bed.json(&["status"]);
    assert_eq!(json["experiments"][0]["earned"]["number"], 2);
    assert_eq!(json["experiments"][0]["last_failure"]["seed"], "0x7");
}

#[test]
fn a_changed_definition_is_told_with_what_changed() {
    let bed = told();
    let mut changed = trial(1, "new", 0);
    changed.fingerprint = Fingerprint::new([(Part::Body, Digest::of(b"2"))]);
    let evidence = bed.leave("changed", [&changed]);
    bed.done(&["ci", "record", "--evidence", &evidence]);
    let said = bed.done(&["status", "slow_redis"]);
    assert!(said.contains("starts over, stage 2 had been earned: body changed in run new"), "{said}");
    assert!(said.contains("1 of 3 (stage_1)"), "{said}");
}

#[test]
fn what_cannot_be_read_does_not_hide_the_rest() {
    let bed = told();
    fs::write(bed.at("chaos/ledger/shop/chaos/other.json"), "nonsense").unwrap();
    let outcome = bed.run(&["status"]);
    assert_eq!(outcome.code, Some(4));
    assert!(outcome.stdout.contains("slow_redis"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("other.json:1 is damaged"), "{}", outcome.stderr);
    let empty = Bed::new();
    assert!(empty.done(&["status"]).contains("has no experiments yet"));
}

#[test]
fn a_state_that_was_edited_is_found_and_made_anew() {
    let bed = told();
    assert_eq!(bed.done(&["ledger", "verify"]), "every state is what its events say\n");
    let state = bed.at("chaos/ledger/shop/chaos/cart.slow_redis.json");
    let text = fs::read_to_string(&state).unwrap();
    fs::write(&state, text.replace("\"number\": 2", "\"number\": 3")).unwrap();
    let found = bed.run(&["ledger", "verify"]);
    assert_eq!(found.code, Some(4));
    assert!(
        found.stdout.contains("stage 3 is earned, and its events say 2 (--rebuild makes it anew)"),
        "{}",
        found.stdout
    );
    let said = bed.done(&["ledger", "verify", "--rebuild"]);
    assert!(said.contains("(made anew)"), "{said}");
    assert_eq!(fs::read_to_string(&state).unwrap(), text);

    let events = bed.at("chaos/ledger/shop/chaos/cart.slow_redis.events.jsonl");
    fs::remove_file(&events).unwrap();
    let lost = bed.run(&["ledger", "verify", "--rebuild"]);
    assert_eq!(lost.code, Some(4));
    assert!(lost.stdout.contains("has 0 events, and its state comes of 7"), "{}", lost.stdout);
    let ledger = Ledger::open(bed.at("chaos/ledger"));
    assert_eq!(ledger.state(&experiment()).unwrap().unwrap().earned.number, 2);
}
