//! A test process that is killed leaves nothing running: the guard sees to it.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use chaos_harness::safety::in_use;
use chaos_tests::program::{Program, Running, journal};
use chaos_tests::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::process::Stdio;

mod long {
    use chaos_harness::prelude::*;
    use chaos_tests::echo::Echo;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[system(echo = cargo_bin("echo-server", args = "--port {port}", replicas = 2))]
    async fn pair(echo: Service) -> Result<Echo> {
        Ok(Echo::new(&echo))
    }

    #[chaos_test(
        system = pair,
        hypothesis = "it lasts",
        load(rate = 100/s, warmup = 100ms, baseline = 300ms, turbulence = 1min),
        steady_state(p50 < 500ms),
        inject(pause(echo)),
        expect(p50 < 1s),
        stages(1 instance),
        parallel,
    )]
    #[ignore = "takes a minute: another test kills it in the middle"]
    async fn lasts(echo: &Echo) -> Result<()> {
        static DONE: AtomicU32 = AtomicU32::new(0);
        // In turbulence: there are forty operations before it.
        if DONE.fetch_add(1, Ordering::Relaxed) == 60 {
            match std::env::var("ENDS_BY").as_deref() {
                Ok("exit") => std::process::exit(0),
                Ok("abort") => std::process::abort(),
                _ => {}
            }
        }
        echo.ask().await
    }
}

/// Starts the program, and waits until a fault is in effect.
fn with_a_fault(program: &Program, arguments: &[&str]) -> Running {
    let running = program.spawn(arguments).unwrap();
    wait_until("a fault is in effect", || {
        let trials = program.trials().unwrap_or_default();
        let events = trials.first().and_then(|trial| journal(trial).ok()).unwrap_or_default();
        events.iter().any(|event| event["event"] == "phase_started" && event["phase"] == "turbulence")
    });
    running
}

/// Kills the program with SIGKILL while a fault is in effect.
fn is_cleaned_up_after(program: &Program, arguments: &[&str]) {
    let mut running = with_a_fault(program, arguments);
    assert_eq!(program.servers().unwrap().len(), 2);
    running.kill().unwrap();
    wait_until("the servers are gone", || program.servers().unwrap().is_empty());
    wait_until("nothing is in use", || in_use(&program.folder().join("chaos")).unwrap().is_empty());
    wait_until("what it had leave for is given back", || {
        let leases = std::fs::read_dir(program.folder().join("chaos/leases")).unwrap();
        !leases.flatten().any(|file| file.path().extension().is_some_and(|end| end == "lease"))
    });
}

#[test]
fn a_killed_target_with_main_leaves_nothing_running() {
    let program = Program::new(env!("CARGO_BIN_EXE_listing"), env!("CARGO_BIN_EXE_echo-server")).unwrap();
    is_cleaned_up_after(&program, &["--ignored", "cart::lasts"]);
}

#[test]
fn a_killed_libtest_target_leaves_nothing_running() {
    let this = std::env::current_exe().unwrap();
    let program = Program::new(this, env!("CARGO_BIN_EXE_echo-server")).unwrap();
    is_cleaned_up_after(&program, &["--ignored", "long::"]);
}

/// Neither runs a destructor: what those would have undone is the guard's.
#[test]
fn a_test_that_exits_or_aborts_leaves_nothing_running() {
    for end in ["exit", "abort"] {
        let this = std::env::current_exe().unwrap();
        let program = Program::new(this, env!("CARGO_BIN_EXE_echo-server")).unwrap().env("ENDS_BY", end);
        // On a busy machine a baseline may be too late to be believed: then nothing was injected, and it ended by itself.
        let has_fault = |(_, events): &(_, Vec<serde_json::Value>)| {
            events.iter().any(|event| event["event"] == "injecting")
        };
        let run = || {
            let code = program.spawn(["--ignored", "long::"]).unwrap().wait().unwrap();
            (code, journal(&program.trials().unwrap()[0]).unwrap())
        };
        let (code, events) = std::iter::repeat_with(run).take(5).find(has_fault).expect("a fault");
        assert_eq!(code, (end == "exit").then_some(0));
        assert!(events.iter().all(|event| event["event"] != "undone"), "{end}: {events:?}");
        wait_until("the servers are gone", || program.servers().unwrap().is_empty());
        wait_until("nothing is in use", || in_use(&program.folder().join("chaos")).unwrap().is_empty());
    }
}

/// Its guard dies with it: nothing is left to do but for the next start of the program, which does it and says so.
#[test]
fn what_a_killed_guard_left_is_undone_at_the_next_start() {
    let this = std::env::current_exe().unwrap();
    let program = Program::new(this, env!("CARGO_BIN_EXE_echo-server")).unwrap();
    let mut running = with_a_fault(&program, &["--ignored", "long::"]);
    let runs = program.folder().join("chaos");
    let guard = in_use(&runs).unwrap()[0].guard.unwrap();
    kill_process(Pid::from_raw(i32::try_from(guard).unwrap()).unwrap(), Signal::KILL).unwrap();
    running.kill().unwrap();
    let left = program.servers().unwrap();
    // To a stopped process whose parent has died the kernel sends SIGHUP, which ends the paused one of the two.
    assert!(!left.is_empty());
    wait_until("nobody has its log", || in_use(&runs).unwrap()[0].is_abandoned);

    let said = program.folder().join("said");
    let mut again = program.command(["--ignored", "long::", "--nocapture"]);
    again.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said).unwrap());
    let mut again = again.spawn().unwrap();
    wait_until("those of the first start are gone", || {
        let servers = program.servers().unwrap();
        left.iter().all(|server| !servers.contains(server))
    });
    wait_until("it says so", || {
        let said = std::fs::read_to_string(&said).unwrap();
        said.contains("chaos: an earlier run was cut off: undone: ")
    });
    again.kill().unwrap();
    again.wait().unwrap();
    wait_until("the servers are gone", || program.servers().unwrap().is_empty());
}
