//! Each fault on the container backend. Needs an engine with the image that `images/make.sh` makes; without, these
//! tests say so and pass, unless `CHAOS_REQUIRE=docker` asks for them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

use chaos_tests::trial::{Finished, Trial, events};
use chaos_tests::wait::wait_until;
use rustix::process::{Signal, kill_process};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const IMAGE: &str = "redis:7";

fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether these tests can run here.
fn has_image() -> bool {
    let has = docker(&["image", "inspect", IMAGE]).is_some();
    let required = std::env::var("CHAOS_REQUIRE").is_ok_and(|required| required.contains("docker"));
    assert!(has || !required, "CHAOS_REQUIRE=docker: there is no engine with {IMAGE}, run images/make.sh");
    if !has {
        eprintln!("left out: there is no engine with {IMAGE}, run images/make.sh");
    }
    has
}

fn trial(name: &str) -> Trial {
    let trial =
        Trial::new(env!("CARGO_BIN_EXE_verdicts"), env!("CARGO_BIN_EXE_target-server"), name).unwrap();
    trial.with_docker().env("CHAOS_BACKEND", "docker").env("CHAOS_SEED", "7")
}

/// The run of a trial, by the name of its folder: the value of the label `chaos.run`.
fn run_id(folder: &Path) -> String {
    let run = std::fs::canonicalize(folder.join("chaos/latest")).unwrap();
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

/// What of this kind carries the label of a run.
fn labelled(kind: &[&str], run: &str) -> Vec<String> {
    let filter = format!("label=chaos.run={run}");
    let mut arguments = kind.to_vec();
    arguments.extend(["--quiet", "--filter", &filter]);
    docker(&arguments).unwrap().lines().map(str::to_owned).collect()
}

fn containers(run: &str) -> Vec<String> {
    labelled(&["ps", "--all"], run)
}

fn assert_nothing_left(finished: &Finished) {
    let run = run_id(finished.folder());
    assert_eq!(containers(&run), Vec::<String>::new());
    assert_eq!(labelled(&["network", "ls"], &run), Vec::<String>::new());
    assert_eq!(labelled(&["volume", "ls"], &run), Vec::<String>::new());
}

#[test]
fn every_fault_on_a_container_is_proved_and_undone() {
    if !has_image() {
        return;
    }
    let expected = [
        ("latency", "20 of 20 connections carried data under it"),
        // Undone by a restart, after which the published port is another: the same route leads to it.
        ("kill", "it has ended (exit status 137 (SIGKILL)) and refuses connections"),
        ("stop", "it has ended"),
        ("pause", "paused"),
        ("starve_cpu", "throttled"),
    ];
    for (fault, proof) in expected {
        let finished = trial(&format!("containers::{fault}::1_all")).run().unwrap();
        let said = finished.said();
        let report = finished.report();
        assert_eq!(report["conclusion"]["verdict"], "upheld", "{said}");
        assert_eq!(finished.code(), 0, "{said}");
        let effect = &report["facts"]["effects"][0]["seen"]["Ok"];
        assert!(effect.as_str().is_some_and(|seen| seen.contains(proof)), "{fault}: {effect}");
        assert!(report["facts"]["recovery"]["after"].is_object(), "the workload works again: {said}");
        let journal = finished.journal();
        let undone = events(&journal, "undone");
        assert!(undone.len() == 1 && undone[0]["failure"].is_null(), "{undone:?}");
        assert_nothing_left(&finished);
    }
}

#[test]
fn an_app_in_a_container_meets_the_faults_on_its_routes() {
    if !has_image() {
        return;
    }
    // Again at each run: the program may have changed.
    let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../images/make.sh"))
        .args(["--force", "--program", env!("CARGO_BIN_EXE_front-server"), "chaos-test-front"])
        .status();
    assert!(made.is_ok_and(|status| status.success()), "images/make.sh");
    let finished = trial("containers::app_in_container::1_all").run().unwrap();
    let said = finished.said();
    let report = finished.report();
    assert_eq!(report["conclusion"]["verdict"], "upheld", "{said}");
    // Only the app has connections to the cache: one for each of the client's.
    let effect = &report["facts"]["effects"][0]["seen"]["Ok"];
    assert_eq!(effect, "20 of 20 connections carried data under it", "{said}");
    // User code is given this machine's own address all the same.
    let journal = finished.journal();
    for ready in events(&journal, "service_ready") {
        assert!(ready["routes"][0].as_str().is_some_and(|route| route.starts_with("127.0.0.1:")), "{ready}");
    }
    assert_nothing_left(&finished);
}

#[test]
fn everything_is_labelled_and_a_killed_trial_leaves_nothing() {
    if !has_image() {
        return;
    }
    for signal in [Signal::INT, Signal::KILL] {
        let before: Vec<String> =
            docker(&["ps", "--all", "--quiet"]).unwrap().lines().map(str::to_owned).collect();
        let running = trial("containers::long::1_all").start().unwrap();
        wait_until("turbulence begins", || {
            let journal = running.journal();
            journal.iter().any(|event| event["event"] == "phase_started" && event["phase"] == "turbulence")
        });
        let run = run_id(running.folder());
        let [container] = containers(&run).try_into().expect("one container");
        assert!(!before.contains(&container), "it is this trial's own");
        let state = || docker(&["inspect", "--format", "{{.State.Status}}", &container]);
        assert_eq!(state().as_deref(), Some("paused"));
        let host = "{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}";
        assert_eq!(docker(&["inspect", "--format", host, &container]).as_deref(), Some("127.0.0.1"));
        kill_process(running.pid(), signal).unwrap();
        let finished = running.finish(Duration::from_secs(15)).unwrap();
        assert_ne!(finished.code(), 0);
        wait_until("the container is removed", || state().is_none());
        assert_nothing_left(&finished);
    }
}
