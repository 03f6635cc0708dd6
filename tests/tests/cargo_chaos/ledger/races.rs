//! Recorders at once.

use super::bed::{Bed, experiment, git_in, night, trial};
use chaos_harness::ledger::Evidence;
use chaos_tests::cargo_chaos::binary;
use chaos_tests::program::outcome;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

/// A trial of the first stage in a run of its own, of an experiment.
fn one(run: &str, name: &str) -> Evidence {
    Evidence { experiment: format!("shop::chaos::{name}").parse().unwrap(), ..trial(1, run, 1) }
}

#[test]
fn recorders_that_begin_at_once_lose_nothing_not_even_the_first_push() {
    let bed = Bed::new();
    let running: Vec<_> = (0..6)
        .map(|recorder| {
            let run = format!("run-{recorder}");
            // One experiment of all, and one of its own.
            let all = [one(&run, "cart::slow_redis"), one(&run, &format!("own_{recorder}"))];
            let mut command = bed.command(&bed.at(""), &bed.record_to_branch(&bed.leave(&run, &all)));
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for recorder in running {
        let output = recorder.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let ledger = bed.ledger_of("chaos-ledger");
    assert_eq!(ledger.verify().unwrap(), []);
    assert_eq!(ledger.events(&experiment()).unwrap().len(), 6);
    assert_eq!(ledger.states().unwrap().len(), 7);
    assert_eq!(git_in(&bed.at("remote.git"), &["rev-list", "--count", "chaos-ledger"]), "6");
}

/// Git, but for that a rival pushes first, once.
fn with_rival(bed: &Bed, rival: &[&str]) -> String {
    let folder = bed.at("bin");
    fs::create_dir(&folder).unwrap();
    let real = outcome(std::process::Command::new("sh").args(["-c", "command -v git"])).unwrap();
    let rival: Vec<_> = rival.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = push ] && [ ! -e {0} ]; then\n  touch {0}\n  PATH=\"$OLD_PATH\" {1} {2} >&2 </dev/null || exit 99\nfi\nexec {3} \"$@\"\n",
        bed.at("lost").display(),
        binary().unwrap().display(),
        rival.join(" "),
        real.stdout.trim(),
    );
    fs::write(folder.join("git"), script).unwrap();
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

#[test]
fn a_lost_race_is_run_again_on_top_of_who_won_it() {
    for ledger in [
        &["--push", "chaos-ledger"][..],
        &["--push", "chaos-promotions", "--base", "main", "--path", "chaos/ledger"],
    ] {
        let bed = Bed::new();
        bed.commit("main", "a", "1");
        let remote = bed.remote();
        let (ours, theirs) = (bed.leave("ours", &night("n1", 2)), bed.leave("theirs", &night("n2", 1)));
        let record =
            |evidence| [&["ci", "record", "--evidence", evidence, "--remote", &remote][..], ledger].concat();
        let path = with_rival(&bed, &record(&theirs));
        let arguments = [&record(&ours)[..], &["--format", "json"]].concat();
        let mut command = bed.command(&bed.at(""), &arguments);
        let said =
            outcome(command.env("PATH", path).env("OLD_PATH", std::env::var("PATH").unwrap())).unwrap();
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let said: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(said["written"]["to"]["pushed"]["tries"], 2, "{ledger:?}");
        let what = if ledger.len() == 2 { "chaos-ledger" } else { "chaos-promotions:chaos/ledger" };
        let state = bed.state_of(what);
        assert_eq!((state.events, state.streak), (4, 2));
    }
}
