//! `cargo chaos ledger fetch`: the ledger of the base.

use super::bed::{Bed, experiment, git_in, nights};
use chaos_harness::ledger::Ledger;
use chaos_tests::program::outcome;
use std::fs;

#[test]
fn the_ledger_of_the_base_is_fetched_whatever_is_checked_out() {
    let bed = Bed::new();
    let evidence = bed.leave("evidence", &nights());
    let clone = bed.commit("main", "a", "1");
    bed.done(&bed.record_to_branch(&evidence));
    bed.done(&bed.record_for_main("bot", &evidence));
    git_in(&clone, &["fetch", "-q", "origin", "bot"]);
    git_in(&clone, &["merge", "-q", "FETCH_HEAD"]);
    git_in(&clone, &["push", "-q", "origin", "main"]);
    // A change that gives itself all stages.
    git_in(&clone, &["checkout", "-q", "-b", "change"]);
    let own = clone.join("chaos/ledger/shop/chaos/cart.slow_redis.json");
    let text = fs::read_to_string(&own).unwrap();
    fs::write(&own, text.replace("\"number\": 2", "\"number\": 3")).unwrap();
    git_in(&clone, &["commit", "-q", "-a", "-m", "all stages"]);

    for (folder, from) in [("from-branch", &[][..]), ("from-tree", &["--base", "main"])] {
        let arguments = [&["ledger", "fetch", "--into", folder][..], from].concat();
        let fetched = outcome(&mut bed.command(&clone, &arguments)).unwrap();
        assert_eq!(fetched.code, Some(0), "{}", fetched.stderr);
        let ledger = Ledger::open(clone.join(folder));
        assert_eq!(ledger.state(&experiment()).unwrap().unwrap().earned.number, 2);
        assert_eq!(ledger.verify().unwrap(), []);
    }
    let twice = outcome(&mut bed.command(&clone, &["ledger", "fetch", "--into", "from-tree"])).unwrap();
    assert_eq!(twice.code, Some(2));
    assert!(twice.stderr.contains("from-tree is not empty"), "{}", twice.stderr);
}

#[test]
fn a_ledger_that_is_not_there_is_empty_and_that_is_told() {
    let bed = Bed::new();
    let remote = bed.remote();
    let fetch = |into| ["ledger", "fetch", "--remote", &remote, "--into", into];
    let said = bed.done(&fetch("one"));
    assert!(said.contains("has no branch `chaos-ledger`") && said.contains("first stage"), "{said}");
    assert_eq!(fs::read_dir(bed.at("one")).unwrap().count(), 0);
    bed.commit("main", "a", "1");
    let said = bed.done(&[&fetch("two")[..], &["--base", "main"]].concat());
    assert!(said.contains("has no folder `chaos/ledger`"), "{said}");
    let said = bed.json(&[&fetch("three")[..], &["--base", "none"]].concat());
    assert_eq!(said["commit"], serde_json::Value::Null);
}
