//! Limits on what may be in effect, as variables say them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use chaos_tests::program::{Outcome, Program};

/// Runs the experiment's stages, on one and on both of two instances, under this limit.
fn under(variable: &str, limit: &str) -> Outcome {
    // On a busy machine operations start late: that is not what this is about.
    let program = Program::new(env!("CARGO_BIN_EXE_builder"), env!("CARGO_BIN_EXE_echo-server")).unwrap();
    let outcome = program
        .env(variable, limit)
        .env("CHAOS_PROFILE", "lenient")
        .run(["--include-ignored", "--test-threads=1"])
        .unwrap();
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    outcome
}

fn passed(outcome: &Outcome) -> usize {
    outcome.stdout.lines().filter(|line| line.starts_with("test ") && line.ends_with(" ok")).count()
}

fn all(outcome: &Outcome) -> String {
    format!("{}{}", outcome.stdout, outcome.stderr)
}

#[test]
fn within_its_limits_an_experiment_runs() {
    for (variable, limit) in
        [("CHAOS_MAX_FAULTS", "1"), ("CHAOS_MAX_SHARE", "100%"), ("CHAOS_MAX_FAULT_TIME", "1h")]
    {
        let outcome = under(variable, limit);
        assert_eq!((outcome.code, passed(&outcome)), (Some(0), 2), "{}", all(&outcome));
    }
}

#[test]
fn a_stage_beyond_the_share_is_refused_and_the_others_run() {
    let outcome = under("CHAOS_MAX_SHARE", "50%");
    assert_eq!((outcome.code, passed(&outcome)), (Some(101), 1), "{}", all(&outcome));
    assert!(
        all(&outcome).contains("100% of `echo` would be touched at once, and CHAOS_MAX_SHARE=50%"),
        "{}",
        all(&outcome)
    );
    let outcome = under("CHAOS_MAX_SHARE", "49%");
    assert_eq!((outcome.code, passed(&outcome)), (Some(101), 0), "{}", all(&outcome));
}

#[test]
fn the_time_is_that_of_the_whole_run() {
    // Each has its faults in effect for 300 ms at least.
    let outcome = under("CHAOS_MAX_FAULT_TIME", "599ms");
    assert_eq!((outcome.code, passed(&outcome)), (Some(101), 1), "{}", all(&outcome));
    let said = all(&outcome);
    assert!(said.contains("nothing was injected: its faults are in effect for 300ms at least"), "{said}");
    assert!(said.contains("the environment"), "{said}");
}
