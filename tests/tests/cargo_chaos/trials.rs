//! `cargo chaos list`, `run` and `escalate` in a crate of its own.

use chaos_tests::program::{Outcome, outcome};
use chaos_tests::scratch::{Scratch, workspace};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A crate whose experiments come to different ends.
pub(crate) fn experiments() -> Scratch {
    let scratch = Scratch::new("greeter", "--lib").unwrap();
    let made = outcome(scratch.chaos(["init", "--path"]).unwrap().arg(workspace())).unwrap();
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    scratch.write("tests/chaos.rs", include_str!("../../fixtures/experiments.rs")).unwrap();
    scratch
}

fn chaos(scratch: &Scratch, line: &str) -> Outcome {
    outcome(&mut scratch.chaos(line.split(' ')).unwrap()).unwrap()
}

fn in_json(scratch: &Scratch, line: &str) -> (Option<i32>, Value) {
    let said = chaos(scratch, &format!("{line} --format json"));
    let value = serde_json::from_str(&said.stdout);
    (said.code, value.unwrap_or_else(|error| panic!("{error}: {}{}", said.stdout, said.stderr)))
}

/// Verdict and name of each trial, in the order in which they are told.
fn told(report: &Value) -> Vec<(&str, &str)> {
    let trials = report["trials"].as_array().unwrap().iter();
    trials.map(|trial| (trial["verdict"].as_str().unwrap(), trial["trial"].as_str().unwrap())).collect()
}

#[test]
fn the_exit_code_is_that_of_the_worst_verdict_and_a_refutation_is_worst() {
    let scratch = experiments();
    let (code, report) = in_json(&scratch, "run holds");
    assert_eq!((code, told(&report)), (Some(0), vec![("upheld", "holds::1_20_percent")]));
    let (code, report) = in_json(&scratch, "run is_unsteady holds");
    assert_eq!(code, Some(3));
    assert_eq!(told(&report), [("unsteady", "is_unsteady::1_50_percent"), ("upheld", "holds::1_20_percent")]);
    // One that decides nothing hides none that says nothing at all.
    let mut aborts = scratch.chaos(["run", "is_unsteady", "holds"]).unwrap();
    let aborted = outcome(aborts.env("GREETER_ABORTS", "1")).unwrap();
    assert_eq!(aborted.code, Some(4), "{}{}", aborted.stdout, aborted.stderr);
    assert!(aborted.stderr.contains("a trial failed and left no evidence"), "{}", aborted.stderr);
    assert!(aborted.stdout.contains("unsteady  is_unsteady::1_50_percent"), "{}", aborted.stdout);
    let (code, report) = in_json(&scratch, "run");
    assert_eq!(code, Some(1));
    assert_eq!(told(&report).first(), Some(&("refuted", "is_refuted::1_100_percent")));
    assert_eq!(told(&report).len(), 3, "one that fails keeps no other from running: {report}");

    let refuted = chaos(&scratch, "run is_refuted");
    assert_eq!(refuted.code, Some(1));
    assert!(refuted.stdout.contains("refuted  is_refuted::1_100_percent"), "{}", refuted.stdout);
    assert!(
        refuted.stdout.contains("p50 < 300ms: ") && refuted.stdout.contains("run again  CHAOS_SEED="),
        "{}",
        refuted.stdout
    );

    let (code, report) = in_json(&scratch, "escalate holds");
    assert_eq!(code, Some(0));
    assert_eq!(told(&report), [("upheld", "holds::1_20_percent"), ("upheld", "holds::2_50_percent")]);
    assert_eq!(
        report["trials"][1]["stage"]["reached"][0]["text"].as_str().map(|text| text.ends_with("(50 %)")),
        Some(true)
    );
}

#[test]
fn nothing_that_ran_and_what_could_not_run_are_told_from_verdicts() {
    let scratch = experiments();
    let nothing = chaos(&scratch, "run no_such");
    assert_eq!(nothing.code, Some(4));
    assert!(
        nothing.stderr.contains("nothing ran: no trial with `no_such` in its name"),
        "{}",
        nothing.stderr
    );
    assert!(nothing.stderr.contains("cargo chaos list"), "{}", nothing.stderr);
    let mistake = chaos(&scratch, "run --profile nigthly");
    assert_eq!(mistake.code, Some(2));
    assert!(
        mistake.stderr.contains("`nigthly`") && mistake.stderr.contains("escalate"),
        "{}",
        mistake.stderr
    );
    let elsewhere = chaos(&scratch, "run -p no_such");
    assert_eq!(elsewhere.code, Some(2));
    assert!(elsewhere.stderr.contains("no package `no_such`: it has greeter"), "{}", elsewhere.stderr);

    scratch.write("chaos.toml", "tests = [\"load\"]\n").unwrap();
    let none = chaos(&scratch, "run");
    assert_eq!(none.code, Some(2));
    assert!(
        none.stderr.contains("has a test target named load: `cargo chaos init` makes one"),
        "{}",
        none.stderr
    );
    scratch.write("chaos.toml", "profil = 1\n").unwrap();
    let settings = chaos(&scratch, "config");
    assert_eq!(settings.code, Some(2));
    assert!(settings.stderr.contains("chaos.toml:1:1: `profil`"), "{}", settings.stderr);
    fs::remove_file(scratch.path().join("chaos.toml")).unwrap();

    scratch.write("tests/chaos.rs", "fn main() { 1 }\n").unwrap();
    let broken = chaos(&scratch, "run");
    assert_eq!(broken.code, Some(4));
    assert!(broken.stderr.contains("mismatched types"), "{}", broken.stderr);
    assert_eq!(chaos(&scratch, "list").code, Some(4));
}

#[test]
fn without_nextest_cargo_test_runs_the_trials_to_the_same_end() {
    let scratch = experiments();
    // All that cargo needs, and no nextest.
    let tools = scratch.results().with_file_name("tools");
    fs::create_dir(&tools).unwrap();
    let path = std::env::var("PATH").unwrap();
    let find =
        |tool: &str| path.split(':').map(|folder| Path::new(folder).join(tool)).find(|tool| tool.exists());
    for tool in ["cargo", "rustc", "cc", "ld", "as", "git", "sh"] {
        if let Some(found) = find(tool) {
            symlink(found, tools.join(tool)).unwrap();
        }
    }
    let run = |line: &str| {
        let mut command = scratch.chaos(line.split(' ')).unwrap();
        outcome(command.env("PATH", &tools).env("CARGO_HOME", cargo_home())).unwrap()
    };
    if run("doctor --no-build").stdout.contains("each trial has a process of its own") {
        eprintln!("skipped: cargo finds nextest outside of the PATH");
        return;
    }
    let refuted = run("run is_refuted holds");
    assert_eq!(refuted.code, Some(1), "{}{}", refuted.stdout, refuted.stderr);
    assert!(refuted.stdout.contains("test result: FAILED. 1 passed; 1 failed"), "{}", refuted.stdout);
    assert!(refuted.stdout.contains("\nrefuted  is_refuted::1_100_percent"), "{}", refuted.stdout);
    assert_eq!(run("run no_such").code, Some(4));
    scratch.write("tests/chaos.rs", "fn main() { 1 }\n").unwrap();
    let broken = run("run");
    assert_eq!(broken.code, Some(4));
    assert!(broken.stderr.contains("the experiments do not build"), "{}", broken.stderr);
}

fn cargo_home() -> std::ffi::OsString {
    std::env::var_os("CARGO_HOME").unwrap_or_else(|| {
        Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cargo").into_os_string()
    })
}

#[test]
fn the_list_says_of_each_stage_whether_it_runs_and_why_not() {
    let scratch = experiments();
    let (code, listed) = in_json(&scratch, "list");
    assert_eq!(code, Some(0));
    let trials = listed[0]["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 4, "{listed}");
    assert_eq!(trials[0]["experiment"], "greeter::chaos::holds");
    assert_eq!(trials[0]["location"]["file"], "tests/chaos.rs");
    assert_eq!(trials[0]["left_out"], Value::Null);
    assert!(trials[1]["left_out"].as_str().unwrap().contains("not earned yet"), "{listed}");
    let words = chaos(&scratch, "list holds").stdout;
    assert!(words.starts_with("greeter::chaos\n") && !words.contains("is_refuted"), "{words}");
    assert!(words.contains("1 of 2  yes\n"), "{words}");
    let (_, all) = in_json(&scratch, "list --profile all");
    assert!(
        all[0]["trials"].as_array().unwrap().iter().all(|trial| trial["left_out"] == Value::Null),
        "{all}"
    );

    scratch.write("tests/plain.rs", "#[test]\nfn works() {}\n").unwrap();
    scratch.write("chaos.toml", "tests = [\"chaos\", \"plain\"]\n").unwrap();
    let words = chaos(&scratch, "list").stdout;
    assert!(words.contains("greeter::plain\n  it has libtest's harness"), "{words}");
}
