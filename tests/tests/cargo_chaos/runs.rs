//! `cargo chaos ps` and `cargo chaos recover`, on a run that is killed with its guard.

use chaos_tests::cargo_chaos::run;
use chaos_tests::program::{Program, journal};
use chaos_tests::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Runs a command on the results of this program.
fn on(program: &Program, arguments: &[&str]) -> (Option<i32>, String) {
    let target = program.folder().to_str().unwrap();
    let outcome = run(arguments.iter().copied().chain(["--target-dir", target])).unwrap();
    (outcome.code, outcome.stdout)
}

fn in_json(program: &Program, command: &str) -> Value {
    let (code, text) = on(program, &[command, "--json"]);
    assert_eq!(code, Some(0));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn what_a_dead_guard_left_is_shown_and_undone() {
    let program = Program::new(env!("CARGO_BIN_EXE_listing"), env!("CARGO_BIN_EXE_echo-server")).unwrap();
    assert_eq!(on(&program, &["ps"]).1, "nothing is in use, and nothing was left behind\n");

    let mut running = program.spawn(["--ignored", "cart::lasts"]).unwrap();
    wait_until("a fault is in effect", || {
        let trials = program.trials().unwrap_or_default();
        let events = trials.first().and_then(|trial| journal(trial).ok()).unwrap_or_default();
        events.iter().any(|event| event["event"] == "phase_started" && event["phase"] == "turbulence")
    });
    let (_, shown) = on(&program, &["ps"]);
    assert!(
        shown.contains(": process ") && shown.contains("  cart.lasts.1_1_instance: kill process "),
        "{shown}"
    );
    assert_eq!(on(&program, &["recover"]), (Some(0), "nothing was left behind\n".to_owned()));
    assert_eq!(program.servers().unwrap().len(), 2, "what is in use is left alone");

    let seen = in_json(&program, "ps");
    assert_eq!(seen[0]["is_abandoned"], false);
    let guard = seen[0]["guard"].as_i64().and_then(|guard| Pid::from_raw(guard.try_into().unwrap())).unwrap();
    kill_process(guard, Signal::KILL).unwrap();
    running.kill().unwrap();
    wait_until("nobody holds it", || in_json(&program, "ps")[0]["is_abandoned"] == true);
    let (_, shown) = on(&program, &["ps"]);
    assert!(shown.contains("left behind: `cargo chaos recover` undoes it"), "{shown}");
    assert_eq!(program.servers().unwrap().len(), 2);

    let undone = in_json(&program, "recover");
    assert!(undone[0]["open"].as_u64().unwrap() >= 3, "{undone}");
    assert_eq!(undone[0]["failures"], serde_json::json!([]));
    assert!(program.servers().unwrap().is_empty());
    assert_eq!(on(&program, &["ps"]).1, "nothing is in use, and nothing was left behind\n");
}

#[test]
fn where_results_are_is_cargos_own_target_folder_or_asked_for() {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = chaos_tests::cargo_chaos::command(["ps"]).unwrap();
    let outcome = chaos_tests::program::outcome(command.current_dir(nowhere.path())).unwrap();
    assert_eq!(outcome.code, Some(4));
    assert!(outcome.stderr.contains("--target-dir"), "{}", outcome.stderr);
}
