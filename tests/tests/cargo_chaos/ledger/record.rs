//! `cargo chaos ci record`, into a folder.

use super::bed::{Bed, experiment, night, nights, refuted, trial};
use chaos_harness::ledger::Ledger;
use std::fs;
use std::process::Command;

#[test]
fn evidence_becomes_what_was_earned_and_again_changes_nothing() {
    let bed = Bed::new();
    let evidence = bed.leave("evidence", &nights());
    let record = ["ci", "record", "--evidence", &evidence];
    let said = bed.done(&[&record[..], &["--dry-run"]].concat());
    assert!(said.contains("6 events would be recorded: nothing was written"), "{said}");
    assert!(!bed.at("chaos").exists());

    let said = bed.done(&record);
    assert!(
        said.contains(
            "shop::chaos::cart::slow_redis: promoted from stage 1 to 2 of 3 (stage_2); 0 of 3 for the next"
        ),
        "{said}"
    );
    assert!(said.contains("6 events recorded in ") && said.contains("chaos/ledger"), "{said}");
    let ledger = Ledger::open(bed.at("chaos/ledger"));
    assert_eq!(ledger.state(&experiment()).unwrap().unwrap().earned.number, 2);
    assert_eq!(ledger.verify().unwrap(), []);

    let again = bed.json(&record);
    assert_eq!(again["written"]["changes"], serde_json::json!({"changed": [], "known": 6}));

    let lost = bed.leave("lost", [&refuted(trial(2, "bad", 1))]);
    let said = bed.done(&["ci", "record", "--evidence", &lost]);
    assert!(said.contains("demoted from stage 2 to 1 of 3"), "{said}");
}

#[test]
fn the_ledger_is_where_settings_the_environment_or_the_command_line_say() {
    let bed = Bed::new();
    let evidence = bed.leave("evidence", &night("n1", 1));
    fs::write(bed.at("chaos.toml"), "[ledger]\ndir = \"record/of\"\n").unwrap();
    bed.done(&["ci", "record", "--evidence", &evidence]);
    assert!(bed.at("record/of/shop/chaos/cart.slow_redis.json").exists());
    let mut command = bed.command(&bed.at(""), &["ci", "record", "--evidence", &evidence]);
    assert!(command.env("CHAOS_LEDGER_DIR", "by/variable").output().unwrap().status.success());
    assert!(bed.at("by/variable/shop").exists());
    bed.done(&["ci", "record", "--evidence", &evidence, "--ledger", "asked"]);
    assert!(bed.at("asked/shop").exists());
}

#[test]
fn what_does_not_count_is_told_with_its_reason() {
    let bed = Bed::new();
    let mut all = night("n1", 1).to_vec();
    let mut other = trial(2, "fork", 1);
    other.origin.event = Some("pull_request".to_owned());
    all.push(other);
    let mut other = trial(2, "feature", 1);
    other.origin.git_ref = Some("refs/heads/feature".to_owned());
    all.push(other);
    let mut other = trial(2, "dirty", 1);
    other.dirty = true;
    all.push(other);
    let mut other = trial(2, "dry", 1);
    other.injected = false;
    all.push(other);
    let mut other = trial(2, "ahead", 1);
    other.at = "9000-01-01T00:00:00.000Z".parse().unwrap();
    all.push(other);
    let evidence = bed.leave("evidence", &all);
    let said = bed.done(&["ci", "record", "--evidence", &evidence]);
    for reason in [
        "ran for `pull_request`",
        "only `main` counts",
        "not committed",
        "no fault",
        "9000-01-01T00:00:00.000Z, which is yet to come",
    ] {
        assert!(
            said.lines().any(|line| line.starts_with("1 trial does not count") && line.contains(reason)),
            "{said}"
        );
    }
    assert!(said.contains("2 events recorded"), "{said}");
    let json = bed.json(&["ci", "record", "--evidence", &evidence]);
    assert_eq!(json["not_counted"].as_array().unwrap().len(), 5);
}

#[test]
fn a_night_that_died_does_not_keep_the_others_from_being_recorded() {
    let bed = Bed::new();
    let evidence = bed.leave("evidence", &night("n1", 1));
    let folder = bed.at("evidence/n2/shop.chaos.cart.slow_redis");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("1_stage_1-1.1.json"), "{\"schema\": 1, \"experiment\": \"sh").unwrap();
    let outcome = bed.run(&["ci", "record", "--evidence", &evidence]);
    assert_eq!(outcome.code, Some(0));
    assert!(
        outcome.stderr.contains("warning: ") && outcome.stderr.contains("ends in the middle"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stdout.contains("2 events recorded"), "{}", outcome.stdout);
}

#[test]
fn runs_of_what_is_not_merged_never_record() {
    let bed = Bed::new();
    let evidence = bed.leave("evidence", &nights());
    for event in ["pull_request", "pull_request_target", "merge_group"] {
        let mut command = bed.command(&bed.at(""), &["ci", "record", "--evidence", &evidence]);
        let output = command.env("GITHUB_EVENT_NAME", event).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2));
        assert!(said.contains(event) && said.contains("never write it"), "{said}");
    }
    assert!(!bed.at("chaos").exists());
}

#[test]
fn what_cannot_be_recorded_is_told_and_changes_nothing() {
    let bed = Bed::new();
    let evidence = bed.leave("evidence", &nights());
    let missing = bed.run(&["ci", "record", "--evidence", "none-such"]);
    assert_eq!(missing.code, Some(4));
    assert!(missing.stderr.contains("no evidence can be read in none-such"), "{}", missing.stderr);

    let state = bed.at("chaos/ledger/shop/chaos/cart.slow_redis.json");
    fs::create_dir_all(state.parent().unwrap()).unwrap();
    fs::write(&state, "{\n<<<<<<< HEAD\n").unwrap();
    let conflict = bed.run(&["ci", "record", "--evidence", &evidence]);
    assert_eq!(conflict.code, Some(4));
    let said = &conflict.stderr;
    assert!(
        said.contains("cart.slow_redis.json:2 is a conflict") && said.contains("evidence is as it was"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&state).unwrap(), "{\n<<<<<<< HEAD\n");
    fs::remove_file(&state).unwrap();

    let line = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
    let inner = bed.command(&bed.at(""), &["ci", "record", "--evidence", &evidence]);
    let mut full = Command::new("sh");
    full.args(["-c", line]).arg(inner.get_program()).args(inner.get_args()).current_dir(bed.at(""));
    let output = full.env_remove("GITHUB_EVENT_NAME").env_remove("CHAOS_LEDGER_DIR").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("cannot be written: the ledger is as it was"), "{said}");
    assert_eq!(fs::read_dir(state.parent().unwrap()).unwrap().count(), 0);
}
