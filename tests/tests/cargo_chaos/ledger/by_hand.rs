//! `cargo chaos promote` and `demote`.

use super::bed::{Bed, night, nights, refuted, trial};
use chaos_tests::program::outcome;

const NAME: &str = "shop::chaos::cart::slow_redis";

fn recorded() -> Bed {
    let bed = Bed::new();
    let evidence = bed.leave("evidence", &nights());
    bed.done(&["ci", "record", "--evidence", &evidence]);
    bed
}

fn by_hand<'a>(way: &'a str, name: &'a str, to: &'a str) -> [&'a str; 6] {
    [way, name, "--to", to, "--reason", "ran in staging"]
}

#[test]
fn a_stage_is_given_and_taken_with_a_reason_that_is_kept() {
    let bed = recorded();
    let said = bed.done(&by_hand("promote", NAME, "3"));
    assert!(said.contains("promoted from stage 2 to 3 of 3; all are earned"), "{said}");
    let said = bed.done(&["status"]);
    assert!(said.contains("promoted from 2 to 3 by ada, ") && said.contains(": ran in staging"), "{said}");
    // Its own name is enough where it is the only one.
    let mut command = bed.command(&bed.at(""), &by_hand("demote", "cart::slow_redis", "1"));
    let taken = outcome(command.env("GITHUB_ACTOR", "octocat")).unwrap();
    assert!(taken.stdout.contains("demoted from stage 3 to 1 of 3"), "{}", taken.stderr);
    assert!(bed.done(&["status"]).contains("demoted from 3 to 1 by octocat"));
    assert_eq!(bed.done(&["ledger", "verify"]), "every state is what its events say\n");
}

#[test]
fn what_was_given_by_hand_is_lost_to_a_refutation() {
    let bed = recorded();
    bed.done(&by_hand("promote", NAME, "3"));
    let mut bad = refuted(trial(3, "bad", 0));
    // It has read the ledger, and its clock is behind.
    bad.as_of =
        Some(serde_json::from_value(bed.json(&["status"])["experiments"][0]["as_of"].clone()).unwrap());
    bad.at = trial(1, "x", 5).at;
    let evidence = bed.leave("bad", [&bad]);
    let said = bed.done(&["ci", "record", "--evidence", &evidence]);
    assert!(said.contains("demoted from stage 3 to 2"), "{said}");
}

#[test]
fn what_makes_no_sense_is_a_mistake_of_the_command_line() {
    let bed = recorded();
    for (arguments, expected) in [
        (
            by_hand("promote", "shop::chaos::cart::slow_rediss", "3"),
            "did you mean `shop::chaos::cart::slow_redis`?",
        ),
        (by_hand("promote", "xyz", "3"), "`cargo chaos status` shows all there are"),
        (by_hand("promote", NAME, "4"), "has 3 stages: --to takes 1 to 3"),
        (by_hand("promote", NAME, "0"), "has 3 stages"),
        (by_hand("promote", NAME, "2"), "has earned stage 2 already"),
        (by_hand("demote", NAME, "2"), "has earned stage 2 only"),
        (["promote", NAME, "--to", "3", "--reason", " "], "a reason is needed"),
        (["promote", NAME, "--to", "3", "--reason", "a\u{1b}[2J"], "a reason is needed, on one line"),
        (["promote", NAME, "--to", "three", "--reason", "x"], "invalid value 'three'"),
    ] {
        let outcome = bed.run(&arguments);
        assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
    }
    let empty = Bed::new();
    assert!(empty.run(&by_hand("promote", NAME, "2")).stderr.contains("it is empty"));
}

#[test]
fn a_ledger_in_a_repository_is_changed_there() {
    let bed = Bed::new();
    let (evidence, remote) = (bed.leave("evidence", &night("n1", 2)), bed.remote());
    let push = ["--push", "chaos-ledger", "--remote", &remote];
    bed.done(&[&["ci", "record", "--evidence", &evidence][..], &push].concat());
    let said = bed.done(&[&by_hand("promote", NAME, "2")[..], &push].concat());
    assert!(said.contains("1 event recorded on chaos-ledger as "), "{said}");
    assert_eq!(bed.state_of("chaos-ledger").earned.number, 2);
    let wrong = bed.run(&[&by_hand("promote", "cart::slow_rdis", "3")[..], &push].concat());
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("the ledger has no experiment `cart::slow_rdis`"), "{}", wrong.stderr);
}
