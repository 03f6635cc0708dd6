//! A ledger in the tree, where what is recorded is proposed on a branch.

use super::bed::{Bed, git_in, night, nights};
use std::fs;

const PROPOSED: &str = "chaos-promotions:chaos/ledger";

fn record(bed: &Bed, evidence: &str) -> serde_json::Value {
    bed.json(&bed.record_for_main("chaos-promotions", evidence))
}

fn in_remote(bed: &Bed, arguments: &[&str]) -> String {
    git_in(&bed.at("remote.git"), arguments)
}

#[test]
fn what_is_not_merged_yet_is_proposed_again_on_the_tip_of_the_base() {
    let bed = Bed::new();
    bed.commit("main", "src/lib.rs", "// 1\n");
    record(&bed, &bed.leave("first", &night("n1", 9)));
    assert_eq!(bed.state_of(PROPOSED).streak, 1);
    assert_eq!(in_remote(&bed, &["rev-parse", "chaos-promotions^"]), in_remote(&bed, &["rev-parse", "main"]));
    assert_eq!(
        in_remote(&bed, &["ls-tree", "-r", "--name-only", "main"]),
        "src/lib.rs",
        "the base is as it was"
    );

    bed.commit("main", "src/lib.rs", "// 2\n");
    record(&bed, &bed.leave("second", &night("n2", 8)));
    assert_eq!(bed.state_of(PROPOSED).streak, 2, "the first night is kept");
    assert_eq!(in_remote(&bed, &["rev-parse", "chaos-promotions^"]), in_remote(&bed, &["rev-parse", "main"]));
    assert_eq!(in_remote(&bed, &["show", "chaos-promotions:src/lib.rs"]), "// 2");
    let message = in_remote(&bed, &["log", "-1", "--format=%s", "chaos-promotions"]);
    assert_eq!(message, "Record 4 events of 1 experiment");

    // Nothing new, and nothing moved: the branch is left alone, and with it the reviews of it.
    let before = in_remote(&bed, &["rev-parse", "chaos-promotions"]);
    let again = record(&bed, &bed.leave("second", &[]));
    assert_eq!(again["written"]["to"]["pushed"]["commit"], serde_json::Value::Null);
    assert_eq!(in_remote(&bed, &["rev-parse", "chaos-promotions"]), before);

    // Merged as one commit of someone's, as GitHub does.
    let clone = bed.at("clone");
    git_in(&clone, &["fetch", "-q", "origin", "chaos-promotions"]);
    git_in(&clone, &["merge", "-q", "--squash", "FETCH_HEAD"]);
    git_in(&clone, &["commit", "-q", "-m", "merged"]);
    git_in(&clone, &["push", "-q", "origin", "main"]);
    let merged = record(&bed, &bed.leave("second", &[]));
    assert_eq!(merged["written"]["to"]["pushed"]["commit"], serde_json::Value::Null);

    record(&bed, &bed.leave("third", &nights()));
    assert_eq!(bed.state_of(PROPOSED).earned.number, 2);
    assert_eq!(in_remote(&bed, &["rev-list", "--count", "main..chaos-promotions"]), "1");
}

#[test]
fn a_branch_that_others_work_on_is_never_made_anew() {
    let bed = Bed::new();
    bed.commit("main", "a", "1");
    bed.commit("chaos-promotions", "b", "theirs");
    let (evidence, remote) = (bed.leave("evidence", &nights()), bed.remote());
    let record = ["ci", "record", "--evidence", &evidence, "--remote", &remote, "--push"];
    let before = in_remote(&bed, &["rev-parse", "chaos-promotions"]);
    let theirs = bed.run(&[&record[..], &["chaos-promotions", "--base", "main"]].concat());
    assert_eq!(theirs.code, Some(4));
    assert!(theirs.stderr.contains("its newest commit is by dev <dev@example.com>. It"), "{}", theirs.stderr);
    assert_eq!(in_remote(&bed, &["rev-parse", "chaos-promotions"]), before);

    let same = bed.run(&[&record[..], &["main", "--base", "main"]].concat());
    assert!(
        same.code == Some(2) && same.stderr.contains("--push and --base are both `main`"),
        "{}",
        same.stderr
    );
    let none = bed.run(&[&record[..], &["bot", "--base", "mian"]].concat());
    assert!(none.code == Some(4) && none.stderr.contains("has no branch `mian`"), "{}", none.stderr);
    let odd = bed.run(&[&record[..], &["bot", "--base", "main", "--path", "../up"]].concat());
    assert!(
        odd.code == Some(2) && odd.stderr.contains("`../up` is not a folder in a repository"),
        "{}",
        odd.stderr
    );
}

#[test]
fn a_damaged_ledger_in_the_base_is_not_written_over() {
    let bed = Bed::new();
    let clone = bed.commit("main", "chaos/ledger/shop/chaos/cart.slow_redis.json", "{\n  \"schema\": 9\n}\n");
    let outcome = bed.run(&bed.record_for_main("bot", &bed.leave("evidence", &nights())));
    assert_eq!(outcome.code, Some(4));
    assert!(outcome.stderr.contains("is of form 9, which a newer release"), "{}", outcome.stderr);
    assert_eq!(in_remote(&bed, &["branch", "--list", "bot"]), "");
    assert!(
        fs::read_to_string(clone.join("chaos/ledger/shop/chaos/cart.slow_redis.json")).unwrap().contains('9')
    );
}
