//! `#[chaos_test]` in an ordinary libtest target: experiments are tests like any other.

use chaos_tests::program::Program;
use std::env;

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

    #[system(web = container("chaos-no-such-image:latest", port = 1))]
    async fn in_a_container(web: Service) -> Result<Echo> {
        Ok(Echo::new(&web))
    }

    #[chaos_test(
        system = in_a_container,
        hypothesis = "an image that nobody has answers",
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
    assert_eq!(experiments.len(), 2, "{}", listed.stdout);
    assert!(experiments.iter().any(|line| line.contains("bears_latency")), "{experiments:?}");
}

#[test]
fn it_runs_its_first_stage_and_leaves_a_folder() {
    let program = this_program();
    let ran = program.run(["bears_latency"]).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 passed"), "{}", ran.stdout);
    let trials = program.trials().unwrap();
    let [folder] = trials.as_slice() else { panic!("one stage: {trials:?}") };
    assert!(folder.join("report.json").exists());
    assert!(program.servers().unwrap().is_empty());
}

#[test]
fn what_this_machine_cannot_provide_fails_with_its_reason() {
    let ran = this_program().run(["needs_an_image", "--ignored"]).unwrap();
    assert_eq!(ran.code, Some(101), "{}", ran.stdout);
    assert!(ran.stdout.contains("service `web` cannot be provided here"), "{}", ran.stdout);
    assert!(ran.stdout.contains("start Docker or set DOCKER_HOST"), "{}", ran.stdout);
}
