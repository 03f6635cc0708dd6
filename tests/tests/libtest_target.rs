//! `#[chaos_test]` in an ordinary libtest target: experiments are tests like any other.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use chaos_tests::program::{Program, isolate, outcome};
use std::env;
use std::process::Command;

/// Experiments beside ordinary tests.
mod shop {
    use chaos_harness::prelude::*;
    use chaos_tests::echo::Echo;

    #[system(echo = cargo_bin("echo-server", args = "--port {port}"))]
    async fn single(echo: Service) -> Result<Echo> {
        Ok(Echo::new(&echo))
    }

    #[chaos_test(
        system = single,
        hypothesis = "a slow connection is still one",
        load(rate = 200/s, warmup = 100ms, baseline = 300ms, turbulence = 300ms),
        steady_state(p50 < 500ms),
        inject(latency(echo, 5ms)),
        expect(p50 < 1s),
        stages(50%, 100%),
        parallel,
    )]
    async fn bears_latency(echo: &Echo) -> Result<()> {
        echo.ask().await
    }

    #[chaos_test(
        system = single,
        hypothesis = "an answer takes no time at all",
        load(rate = 200/s, warmup = 100ms, baseline = 300ms, turbulence = 300ms),
        steady_state(p50 < 500ms),
        inject(latency(echo, 600ms)),
        expect(p50 < 500ms),
        stages(100%),
        parallel,
    )]
    #[ignore = "cannot pass: another test looks at how it fails"]
    async fn is_refuted(echo: &Echo) -> Result<()> {
        echo.ask().await
    }

    #[chaos_test(
        system = single,
        hypothesis = "an answer takes no time at all",
        load(rate = 200/s, warmup = 100ms, baseline = 300ms, turbulence = 300ms),
        steady_state(p50 < 500ms),
        inject(latency(echo, 600ms)),
        expect(p50 < 500ms),
        stages(50%, 100%),
        parallel,
    )]
    #[ignore = "cannot pass: another test looks at how it fails"]
    async fn fails_at_once(echo: &Echo) -> Result<()> {
        echo.ask().await
    }

    #[system(web = container("chaos-no-such-image:latest", port = 1))]
    async fn in_a_container(web: Service) -> Result<Echo> {
        Ok(Echo::new(&web))
    }

    #[chaos_test(
        system = in_a_container,
        hypothesis = "an image that nobody has answers",
        steady_state(p50 < 500ms),
        inject(latency(web, 5ms)),
        expect(p50 < 1s),
        stages(50%),
    )]
    #[ignore = "cannot pass: another test looks at how it fails"]
    async fn needs_an_image(echo: &Echo) -> Result<()> {
        echo.ask().await
    }
}

fn this_program() -> Program {
    Program::new(env::current_exe().unwrap(), env!("CARGO_BIN_EXE_echo-server")).unwrap()
}

#[test]
fn an_experiment_is_one_test_beside_the_others() {
    let listed = this_program().run(["--list", "--format", "terse"]).unwrap();
    let experiments: Vec<_> = listed.lines().into_iter().filter(|line| line.starts_with("shop::")).collect();
    assert_eq!(experiments.len(), 4, "{}", listed.stdout);
    assert!(experiments.iter().any(|line| line.contains("bears_latency")), "{experiments:?}");
}

#[test]
fn it_runs_the_stage_that_it_has_earned_and_leaves_a_folder() {
    let program = this_program();
    let ran = program.run(["bears_latency"]).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 passed"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "", "libtest shows nothing of a test that passes");
    let trials = program.trials().unwrap();
    let [folder] = trials.as_slice() else { panic!("one stage: {trials:?}") };
    assert!(folder.join("report.json").exists());
    assert!(program.servers().unwrap().is_empty());
}

#[test]
fn it_runs_each_stage_that_the_profile_says_and_stops_at_the_first_that_fails() {
    // What it comes to is of no concern here.
    let program = this_program().env("CHAOS_STAGES", "all").env("CHAOS_INCONCLUSIVE", "warn");
    let ran = program.run(["bears_latency"]).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let stages: Vec<_> = program.evidence().iter().map(|evidence| evidence.stage.number).collect();
    assert_eq!(stages, [1, 2]);
    assert!(ran.stdout.contains("::earned_stage ... ok"), "{}", ran.stdout);

    let program = this_program().env("CHAOS_STAGES", "all").env("CHAOS_CONFIDENCE", "50%");
    let ran = program.run(["fails_at_once", "--ignored"]).unwrap();
    assert_eq!(ran.code, Some(101), "{}", ran.stdout);
    assert_eq!(program.evidence().len(), 1, "the second stage is not begun");
    let command = ran.stdout.lines().find_map(|line| line.trim().strip_prefix("run again ")).unwrap();
    assert!(command.contains(" CHAOS_CONFIDENCE='50%' CHAOS_STAGES=all cargo test "), "{command}");
}

#[test]
fn what_this_machine_cannot_provide_fails_with_its_reason() {
    let ran = this_program().run(["needs_an_image", "--ignored"]).unwrap();
    assert_eq!(ran.code, Some(101), "{}", ran.stdout);
    assert!(ran.stdout.contains("service `web` cannot be provided here"), "{}", ran.stdout);
    assert!(ran.stdout.contains("start Docker or set DOCKER_HOST"), "{}", ran.stdout);
}

#[test]
fn a_failure_says_how_to_run_this_very_test_again() {
    let program = this_program();
    let ran = program.run(["is_refuted", "--ignored"]).unwrap();
    assert_eq!(ran.code, Some(101), "{}", ran.stdout);
    assert!(ran.stdout.contains("refuted shop::is_refuted::1_100_percent"), "{}", ran.stdout);
    let command = ran.stdout.lines().find_map(|line| line.trim().strip_prefix("run again ")).unwrap();
    let arguments: Vec<_> = command.split(" -- ").nth(1).expect(command).split(' ').collect();
    let again = program.run(arguments.iter().chain(&["--list"])).unwrap();
    assert_eq!(again.lines().iter().filter(|line| line.ends_with(": test")).count(), 1, "{command}");
    assert!(command.contains("cargo test -p chaos-tests --test libtest_target"), "{command}");
}

#[test]
fn progress_is_told_where_it_is_not_captured() {
    let ran = this_program().run(["bears_latency", "--nocapture"]).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert!(ran.stderr.contains("turbulence: "), "{}", ran.stderr);
}

/// `cargo test` gives a binary's own tests libtest's main: `listing` is then a target with `main!()` and with it.
#[test]
fn main_in_a_libtest_target_says_what_to_write() {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    // The whole workspace, so that dependencies have the features that they have under `cargo test --workspace`.
    command.args(["test", "--workspace", "--bin", "listing", "chaos_harness_main"]);
    isolate(command.current_dir(env!("CARGO_MANIFEST_DIR")));
    let ran = outcome(&mut command).unwrap();
    assert_eq!(ran.code, Some(101), "{}", ran.stderr);
    assert!(ran.stdout.contains("0 passed; 1 failed"), "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("Write `harness = false` under this target's [[test]]"), "{}", ran.stdout);
}
