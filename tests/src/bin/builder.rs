//! A test program whose only experiment is written without macros.

use chaos_harness::experiment::Location;
use chaos_harness::prelude::*;
use chaos_harness::{Load, fault, harness::Harness, metric, system};
use chaos_tests::echo::Echo;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let harness = Harness::new();
    if std::env::var_os(chaos_tests::echo::TWICE).is_none() {
        return harness.experiment(experiment()).main();
    }
    let at = |file: &str, line| Location { file: file.to_owned(), line, ..Location::default() };
    harness
        .experiment(experiment().location(at("first.rs", 1)))
        .experiment(experiment().location(at("second.rs", 2)))
        .main()
}

fn experiment() -> Experiment {
    let pair = System::new("pair")
        .service("echo", system::cargo_bin("echo-server").args("--port {port}").replicas(2))
        .start(|services| async move { Ok::<_, BoxError>(Echo::new(&services.get("echo")?)) });
    let load = Load::new()
        .rate(Rate::per_second(200))
        .warmup(Duration::from_millis(100))
        .baseline(Duration::from_millis(300))
        .turbulence(Duration::from_millis(300));
    Experiment::new("by_hand", pair, |echo| async move { echo.ask().await })
        .hypothesis("a macro is not needed")
        .load(load)
        .steady_state([metric::p50().below(Duration::from_millis(500))])
        .inject([fault::latency("echo", Duration::from_millis(5)).into()])
        .expect([metric::p50().below(Duration::from_secs(1))])
        .stages([Stage::instances::<1>(), Stage::instances::<2>().named("both")])
        .parallel()
}
