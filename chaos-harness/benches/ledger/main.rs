//! What the ledger costs: a list of a test program beside a large one, `cargo chaos status` of it, and many recorders that push to
//! one repository at once.
//!
//! `cargo bench -p chaos-harness --bench ledger`. The program plays the test program itself; `cargo-chaos` is built for it.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot measure has nothing else to say")]

mod figure;
mod listing;
mod recorders;
mod sample;
mod status;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Experiments in the ledger.
const EXPERIMENTS: usize = 10_000;

/// Those of them that the test program has.
const LISTED: usize = 1_000;

/// How often each command is timed.
const RUNS: usize = 15;

fn main() -> ExitCode {
    if listing::is_test_program() {
        return listing::main();
    }
    let folder = env::temp_dir().join(format!("chaos-ledger-bench-{}", std::process::id()));
    let figures = measure(&folder);
    // It is in the temporary folder in any case.
    let _ = std::fs::remove_dir_all(&folder);
    for figure in &figures {
        println!("{figure}");
    }
    if figures.iter().all(figure::Figure::may_pass) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(folder: &Path) -> Vec<figure::Figure> {
    let command = cargo_chaos();
    let ledger = folder.join("ledger");
    let mut experiments = listing::experiments(folder);
    experiments.extend((experiments.len()..EXPERIMENTS).map(sample::experiment));
    sample::ledger(&ledger, &experiments);
    let mut figures = vec![listing::measure(folder, &ledger), status::measure(&command, &ledger)];
    figures.extend(recorders::measure(&command, &folder.join("recorders")));
    figures
}

/// The command, as cargo builds it: this package's benchmarks are built without it.
fn cargo_chaos() -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--package=chaos-harness", "--features=cli", "--bin=cargo-chaos"]);
    build.arg("--message-format=json").current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit());
    let output = build.output().expect("cargo can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut executables = messages.filter(|message| message["target"]["name"] == "cargo-chaos");
    executables
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo-chaos was built")
}

/// How long a command takes that does what it is asked, in seconds, and what it says.
fn timed(command: &mut Command) -> (f64, Vec<u8>) {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("it can be run");
    let took = began.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {}: {said}", output.status);
    (took, output.stdout)
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
