//! `cargo chaos status` of a large ledger.

use super::figure::{Figure, Goal};
use super::{EXPERIMENTS, RUNS, median, timed};
use std::path::Path;
use std::process::Command;

pub(crate) fn measure(command: &Path, ledger: &Path) -> Figure {
    let status = || {
        let (took, said) = timed(Command::new(command).arg("status").arg("--ledger").arg(ledger));
        assert!(said.split(|byte| *byte == b'\n').count() > EXPERIMENTS);
        took
    };
    let took = median((0..RUNS).map(|_| status()));
    Figure {
        name: "status_of_10000",
        value: took * 1_000.0,
        unit: "ms",
        goal: Goal::Below(200.0),
        note: String::new(),
    }
}
