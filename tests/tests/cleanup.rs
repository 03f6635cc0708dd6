//! Trials that are cut off in the middle: what they injected is undone, what they started is gone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

use chaos_tests::trial::{Finished, Running, Trial, events};
use chaos_tests::wait::wait_until;
use rustix::process::{Signal, kill_process};
use std::time::Duration;

/// How soon a trial must be over once it is told to end.
const SOON: Duration = Duration::from_secs(10);

const LONG: &str = "cleanup::long::1_only";

fn trial(name: &str) -> Trial {
    Trial::new(env!("CARGO_BIN_EXE_verdicts"), env!("CARGO_BIN_EXE_target-server"), name).unwrap()
}

/// Starts a trial, and waits until all of its faults are in effect.
fn in_turbulence(trial: Trial) -> Running {
    let running = trial.start().unwrap();
    wait_until("turbulence begins", || {
        running
            .journal()
            .iter()
            .any(|event| event["event"] == "phase_started" && event["phase"] == "turbulence")
    });
    assert_eq!(running.services().unwrap().len(), 2, "both replicas run");
    running
}

fn assert_cut_off(finished: &Finished, by: &str) {
    let said = finished.said();
    assert_ne!(finished.code(), 0, "{said}");
    let conclusion = &finished.report()["conclusion"];
    assert_eq!(conclusion["verdict"], "error", "{said}");
    assert_eq!(conclusion["blame"], "environment", "{said}");
    assert_eq!(conclusion["reasons"][0], format!("interrupted by {by}"), "{said}");
    assert_eq!(finished.services().unwrap(), Vec::<i32>::new(), "{said}");
}

fn faults(finished: &Finished, kind: &str) -> Vec<String> {
    let journal = finished.journal();
    events(&journal, kind).iter().map(|event| event["fault"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_signal_ends_a_trial_in_order() {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")] {
        let trial = trial(LONG);
        let stopped = trial.folder().join("stopped");
        let running = in_turbulence(trial.env("CHAOS_TEST_STOPPED", &stopped));
        kill_process(running.pid(), signal).unwrap();
        let finished = running.finish(SOON).unwrap();
        assert_cut_off(&finished, name);
        let mut undone = faults(&finished, "undone");
        undone.reverse();
        assert_eq!(faults(&finished, "injecting"), ["latency 2ms on target", "pause target"]);
        assert_eq!(undone, faults(&finished, "injecting"), "the last is undone first");
        let journal = finished.journal();
        let first = |kind: &str| journal.iter().position(|event| event["event"] == kind).unwrap();
        assert!(
            first("concluded") < first("undone"),
            "what is concluded is written before anything is undone"
        );
        assert_eq!(journal.last().unwrap()["event"], "taken_down");
        assert_eq!(journal.last().unwrap()["undo"]["result"], "clean");
        let told = std::fs::read_to_string(&stopped).expect("the user's own end is called");
        assert_eq!(told, "healthy", "the service was there, and no longer frozen");
    }
}

#[test]
fn a_signal_ends_a_trial_whose_operations_never_end() {
    for name in ["cleanup::endless::1_only", "cleanup::blocking::1_only"] {
        let running = in_turbulence(trial(name));
        kill_process(running.pid(), Signal::INT).unwrap();
        let finished = running.finish(SOON).unwrap();
        assert_cut_off(&finished, "SIGINT");
        assert_eq!(faults(&finished, "undone"), ["latency 2ms on target"]);
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once_and_leaves_the_rest_to_the_guard() {
    // The user's own end would take half a minute to be given up.
    let running = in_turbulence(trial("cleanup::stuck::1_only"));
    let folder = running.folder().to_owned();
    kill_process(running.pid(), Signal::INT).unwrap();
    wait_until("it has heard the first", || {
        std::fs::read_to_string(folder.join("stderr")).unwrap().contains("press Ctrl-C again")
    });
    kill_process(running.pid(), Signal::INT).unwrap();
    let finished = running.finish(SOON).unwrap();
    assert_eq!(finished.code(), 130, "{}", finished.said());
    wait_until("the guard ends the services", || finished.services().unwrap().is_empty());
}

#[test]
fn what_a_killed_trial_leaves_is_ended_by_its_guard() {
    let running = in_turbulence(trial(LONG));
    kill_process(running.pid(), Signal::KILL).unwrap();
    let finished = running.finish(SOON).unwrap();
    assert_eq!(finished.code(), -9);
    wait_until("the guard ends the services, also the frozen one", || {
        finished.services().unwrap().is_empty()
    });
}
