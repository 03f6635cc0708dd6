//! Under nextest each trial has a process of its own, and experiments still take turns on the machine.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use chaos_harness::ledger::{Attempt, Evidence};
use chaos_harness::safety::in_use;
use chaos_tests::echo::{MARKS, spans};
use chaos_tests::program::{Outcome, isolate, outcome, servers};
use chaos_tests::wait::wait_until;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// `cargo nextest` with these arguments, as this workspace's tests were built: nothing is built twice.
fn nextest(arguments: &[&str], folder: &Path) -> Outcome {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command.arg("nextest").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    isolate(&mut command);
    // A lock of its own: whatever else is tested on this machine is not waited for.
    command.env("TMPDIR", folder).env("CHAOS_TARGET_DIR", folder).env(MARKS, folder.join("marks"));
    // What this workspace has proved is no part of it.
    command.env("CHAOS_LEDGER_DIR", folder.join("ledger"));
    command.env("CARGO_TERM_COLOR", "never").env("NEXTEST_SHOW_PROGRESS", "none");
    outcome(&mut command).unwrap()
}

fn is_installed(folder: &Path) -> bool {
    let installed = nextest(&["--version"], folder).code == Some(0);
    if !installed {
        eprintln!("skipped: cargo-nextest is not installed (cargo install cargo-nextest)");
    }
    installed
}

#[test]
fn trials_run_in_processes_of_their_own_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let marks = folder.path().join("marks");
    fs::create_dir(&marks).unwrap();
    if !is_installed(folder.path()) {
        return;
    }
    // The whole workspace, so that dependencies have the features that they have under `cargo test --workspace`.
    let run = ["run", "--workspace", "--test", "experiments", "--status-level", "all", "--test-threads", "4"];
    let ran = nextest(&run, folder.path());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);

    let told = |result: &str| -> Vec<&str> {
        let lines = ran.stderr.lines().filter(|line| line.trim_start().starts_with(result));
        let mut names: Vec<_> = lines.filter_map(|line| line.split_whitespace().last()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        told("PASS"),
        ["bears_a_narrow_line::1_50_percent", "bears_latency::1_50_percent"],
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("2 tests run: 2 passed, 1 skipped"), "{}", ran.stderr);

    let spans = spans(&marks).unwrap();
    assert_eq!(spans.len(), 2, "one process for each trial");
    assert!(spans[0].1 <= spans[1].0, "both at the same time: {spans:?}");

    let trials = fs::read_dir(folder.path().join("chaos/latest")).unwrap();
    let trials =
        trials.filter(|entry| entry.as_ref().unwrap().path().join("journal.jsonl").is_file()).count();
    assert_eq!(trials, 2, "the processes of one run have one folder");

    let gathered = Evidence::read_all(&folder.path().join("chaos/latest/"));
    assert!(gathered.problems.is_empty(), "{:?}", gathered.problems);
    let evidence: Vec<_> = gathered.evidence.iter().map(|(_, evidence)| evidence).collect();
    let of = |name: &str| evidence.iter().filter(|one| one.experiment.name() == name).count();
    assert_eq!((evidence.len(), of("bears_a_narrow_line"), of("bears_latency")), (2, 1, 1));
    assert_eq!(evidence[0].run, evidence[1].run, "both are of one run");
    assert!(evidence.iter().all(|one| one.attempt == Attempt::FIRST));
}

/// nextest kills the process group of a trial that takes too long, and waits for no one.
#[test]
fn a_trial_that_nextest_kills_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    if !is_installed(folder.path()) {
        return;
    }
    let config = folder.path().join("nextest.toml");
    let at_once = r#"slow-timeout = { period = "3s", terminate-after = 1, grace-period = "0s" }"#;
    fs::write(&config, format!("[profile.default]\n{at_once}\n")).unwrap();
    let config = config.to_str().unwrap();
    let run = ["run", "--workspace", "--test", "killed", "--run-ignored", "only", "--config-file", config];
    let ran = nextest(&run, folder.path());
    assert!(ran.stderr.contains("TIMEOUT"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("LEAK"), "the guard holds nothing of nextest's: {}", ran.stderr);
    wait_until("nothing runs any more", || {
        let runs = folder.path().join("chaos");
        servers(folder.path()).unwrap().is_empty() && in_use(&runs).unwrap().is_empty()
    });
    let run = folder.path().join("chaos/latest");
    let reports = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    let mut reports = reports.filter(|path| path.to_string_lossy().ends_with(".guard.log"));
    let report = fs::read_to_string(reports.next().expect("the guard had something to do")).unwrap();
    assert!(report.contains("resume process") && report.ends_with("all undone\n"), "{report}");
}
