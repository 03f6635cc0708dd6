//! A test process that is killed leaves nothing running: the guard sees to it.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use chaos_tests::program::{Program, journal};
use chaos_tests::wait::wait_until;

mod long {
    use chaos_harness::prelude::*;
    use chaos_tests::echo::Echo;

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
        echo.ask().await
    }
}

/// Kills the program with SIGKILL while a fault is in effect.
fn is_cleaned_up_after(program: &Program, arguments: &[&str]) {
    let mut running = program.spawn(arguments).unwrap();
    wait_until("a fault is in effect", || {
        let trials = program.trials().unwrap_or_default();
        let events = trials.first().and_then(|trial| journal(trial).ok()).unwrap_or_default();
        events.iter().any(|event| event["event"] == "phase_started" && event["phase"] == "turbulence")
    });
    assert_eq!(program.servers().unwrap().len(), 2);
    running.kill().unwrap();
    wait_until("the servers are gone", || program.servers().unwrap().is_empty());
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
