//! Listing a test program, beside a ledger and without one.

use super::figure::{Figure, Goal};
use super::sample::Experiment;
use super::{LISTED, RUNS, median, timed};
use chaos_harness::harness::Harness;
use chaos_harness::prelude::*;
use chaos_harness::system::external;
use chaos_harness::{Load, fault, metric};
use serde_json::Value;
use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Set where this process is the test program.
const PART: &str = "LEDGER_BENCH_PART";

pub(crate) fn is_test_program() -> bool {
    env::var_os(PART).is_some()
}

/// The test program.
pub(crate) fn main() -> ExitCode {
    (0..LISTED).map(listed).fold(Harness::new(), Harness::experiment).main()
}

/// Its experiments, as it lists them.
pub(crate) fn experiments(folder: &Path) -> Vec<Experiment> {
    let (_, listed) = timed(program(folder).env("CHAOS_LISTING", "json"));
    let mut experiments = Vec::new();
    for line in String::from_utf8_lossy(&listed).lines() {
        let trial: Value = serde_json::from_str(line).expect("it lists JSON");
        if trial["stage"]["number"] == 1 {
            let said = |name: &str| trial[name].as_str().expect("it is said").to_owned();
            let id = said("experiment").parse().expect("it is a name");
            experiments.push((id, said("fingerprint").parse().expect("it is a fingerprint")));
        }
    }
    assert_eq!(experiments.len(), LISTED);
    experiments
}

pub(crate) fn measure(folder: &Path, ledger: &Path) -> Figure {
    let list = |ledger: &Path| {
        let mut program = program(folder);
        program.args(["--list", "--format", "terse"]).env("CHAOS_LEDGER_DIR", ledger);
        let (took, listed) = timed(&mut program);
        assert_eq!(listed.split(|byte| *byte == b'\n').count(), 3 * LISTED + 1);
        took
    };
    let none = folder.join("no-ledger");
    // One after the other, so that what else the machine does meets both.
    let (with, without): (Vec<_>, Vec<_>) = (0..RUNS).map(|_| (list(ledger), list(&none))).unzip();
    let (with, without) = (median(with), median(without));
    Figure {
        name: "list_1000_beside_a_ledger_of_10000",
        value: with / without,
        unit: "x",
        goal: Goal::AtMost(1.5),
        note: format!("{:.1} ms against {:.1} ms", with * 1_000.0, without * 1_000.0),
    }
}

fn program(folder: &Path) -> Command {
    let mut program = Command::new(env::current_exe().expect("this program has a path"));
    program.env(PART, "listing").env("CARGO_TARGET_DIR", folder);
    program
}

fn listed(number: usize) -> chaos_harness::Experiment {
    let system = System::new("bench").service("first", external("127.0.0.1:9").allow_faults());
    let system = system.start(|_| async { Ok::<_, BoxError>(()) });
    let phase = Duration::from_millis(400);
    chaos_harness::Experiment::new(format!("module::experiment_{number:04}"), system, |_| async {
        Ok::<_, BoxError>(())
    })
    .hypothesis("nothing happens")
    .load(Load::new().rate(Rate::per_second(200)).warmup(Duration::ZERO).baseline(phase).turbulence(phase))
    .steady_state([metric::p50().below(Duration::from_secs(1))])
    .inject([fault::latency("first", Duration::from_millis(1)).into()])
    .expect([metric::p50().below(Duration::from_secs(1))])
    .stages([Stage::percent::<5>(), Stage::percent::<20>(), Stage::percent::<50>()])
}
