//! A ledger on a branch of its own.

use super::bed::{Bed, git_in, night, nights, trial};
use chaos_tests::program::outcome;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn the_branch_is_made_and_grows_and_nothing_else_changes() {
    let bed = Bed::new();
    let clone = bed.commit("main", "src/lib.rs", "// code\n");
    let (first, second) = (bed.leave("first", &night("n1", 9)), bed.leave("second", &nights()));
    let record = |evidence: &str| {
        // In a checkout, `origin` says where: whatever is checked out there.
        let arguments =
            ["ci", "record", "--evidence", evidence, "--push", "chaos-ledger", "--format", "json"];
        let outcome = outcome(&mut bed.command(&clone, &arguments)).unwrap();
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        serde_json::from_str::<serde_json::Value>(&outcome.stdout).unwrap()
    };
    let said = record(&first);
    assert_eq!(said["written"]["to"]["pushed"]["tries"], 1);
    let root = git_in(&bed.at("remote.git"), &["log", "--format=%an|%s", "chaos-ledger"]);
    assert_eq!(root, "chaos-recorder|Record 2 events of 1 experiment");
    record(&second);
    let log = git_in(&bed.at("remote.git"), &["log", "-1", "--format=%B", "chaos-ledger"]);
    assert_eq!(log, "Record 4 events of 1 experiment\n\nshop::chaos::cart::slow_redis: stage 1 to 2");
    assert_eq!(bed.state_of("chaos-ledger").earned.number, 2);
    let files = git_in(&bed.at("remote.git"), &["ls-tree", "-r", "--name-only", "chaos-ledger"]);
    assert_eq!(
        files,
        ".gitattributes\nREADME.md\nshop/chaos/cart.slow_redis.events.jsonl\nshop/chaos/cart.slow_redis.json"
    );

    let again = record(&second);
    assert_eq!(again["written"]["to"]["pushed"]["commit"], serde_json::Value::Null);
    assert_eq!(git_in(&bed.at("remote.git"), &["rev-list", "--count", "chaos-ledger"]), "2");
    // The checkout is as it was.
    assert_eq!(git_in(&clone, &["status", "--porcelain", "--branch"]), "## main...origin/main");
    assert!(!clone.join("chaos").exists());
}

#[test]
fn a_shallow_clone_with_a_detached_head_does_as_well() {
    let bed = Bed::new();
    bed.commit("main", "a", "1");
    bed.commit("main", "a", "2");
    let url = format!("file://{}", bed.remote());
    bed.git(&["clone", "--quiet", "--depth=1", &url, "shallow"]);
    let shallow = bed.at("shallow");
    git_in(&shallow, &["checkout", "--quiet", "--detach"]);
    let evidence = bed.leave("evidence", &nights());
    for _ in 0..2 {
        let arguments = ["ci", "record", "--evidence", &evidence, "--push", "chaos-ledger"];
        let outcome = outcome(&mut bed.command(&shallow, &arguments)).unwrap();
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
    assert_eq!(bed.state_of("chaos-ledger").earned.number, 2);
}

#[test]
fn nothing_is_pushed_that_was_only_asked_about() {
    let bed = Bed::new();
    let mut record = bed.record_to_branch(&bed.leave("evidence", &nights()));
    record.push("--dry-run".to_owned());
    let said = bed.done(&record);
    assert!(said.contains("promoted from stage 1 to 2") && said.contains("nothing was written"), "{said}");
    assert_eq!(git_in(&bed.at("remote.git"), &["branch", "--list"]), "");
}

#[test]
fn hooks_filters_and_variables_of_others_have_no_part_in_it() {
    let bed = Bed::new();
    let hooks = bed.at("hooks");
    fs::create_dir(&hooks).unwrap();
    for hook in ["pre-push", "pre-commit", "commit-msg", "post-index-change"] {
        fs::write(hooks.join(hook), "#!/bin/sh\ntouch \"$HOME/hooked\"\nexit 1\n").unwrap();
        fs::set_permissions(hooks.join(hook), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let config = format!(
        "[core]\nhooksPath = {}\nautocrlf = true\nattributesFile = {}\n[filter \"odd\"]\nclean = sed s/a/b/\nrequired = true\n\
         [commit]\ngpgSign = true\n[user]\nuseConfigOnly = true\n",
        hooks.display(),
        bed.at("attributes").display()
    );
    fs::write(bed.at("home/.gitconfig"), config).unwrap();
    fs::write(bed.at("attributes"), "* filter=odd\n").unwrap();
    let record = bed.record_to_branch(&bed.leave("evidence", &nights()));
    for _ in 0..2 {
        let mut command = bed.command(&bed.at(""), &record);
        command
            .env("GIT_DIR", "/nonexistent")
            .env("GIT_INDEX_FILE", "/nonexistent")
            .env("GIT_WORK_TREE", "/");
        let outcome = outcome(command.env("GIT_AUTHOR_NAME", "someone")).unwrap();
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
    assert!(!bed.at("home/hooked").exists());
    fs::remove_file(bed.at("home/.gitconfig")).unwrap();
    assert_eq!(bed.state_of("chaos-ledger").earned.number, 2);
    assert_eq!(
        git_in(&bed.at("remote.git"), &["log", "--format=%an %cn", "chaos-ledger"]),
        "chaos-recorder chaos-recorder"
    );
}

#[test]
fn a_branch_of_other_things_is_not_taken_for_a_ledger() {
    let bed = Bed::new();
    bed.commit("main", "src/lib.rs", "// code\n");
    let (evidence, remote) = (bed.leave("evidence", &nights()), bed.remote());
    let before = git_in(&bed.at("remote.git"), &["rev-parse", "main"]);
    let outcome = bed.run(&["ci", "record", "--evidence", &evidence, "--push", "main", "--remote", &remote]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("`main`") && outcome.stderr.contains("other things"),
        "{}",
        outcome.stderr
    );
    assert_eq!(git_in(&bed.at("remote.git"), &["rev-parse", "main"]), before);
}

#[test]
fn a_link_in_the_branch_leads_nowhere() {
    let bed = Bed::new();
    bed.done(&bed.record_to_branch(&bed.leave("evidence", &nights())));
    let clone = bed.commit("chaos-ledger", "README.md", "changed\n");
    fs::create_dir(bed.at("elsewhere")).unwrap();
    std::os::unix::fs::symlink(bed.at("elsewhere"), clone.join("other")).unwrap();
    git_in(&clone, &["add", "other"]);
    git_in(&clone, &["commit", "-q", "-m", "a link"]);
    git_in(&clone, &["push", "-q", "origin", "chaos-ledger"]);
    let mut other = trial(1, "n4", 1);
    other.experiment = "other::chaos::x".parse().unwrap();
    bed.done(&bed.record_to_branch(&bed.leave("other", [&other])));
    assert_eq!(fs::read_dir(bed.at("elsewhere")).unwrap().count(), 0);
    assert_eq!(bed.ledger_of("chaos-ledger").states().unwrap().len(), 2);
    assert_eq!(git_in(&bed.at("remote.git"), &["show", "chaos-ledger:README.md"]), "changed");
}
