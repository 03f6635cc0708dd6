//! Experiments in an ordinary test target, where libtest lists and runs them.

use crate::experiment::Experiment;

/// Runs the first stage of an experiment as the body of the `#[test]` at `path`.
///
/// # Panics
///
/// Where the experiment fails, as a test does.
pub fn run_as_test(define: fn() -> Experiment, path: &str) {
    let experiment = define();
    panic!("{path}: `{}` is not wired to the runner", experiment.definition().name);
}
