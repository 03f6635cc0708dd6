//! Experiments whose verdicts are known beforehand, one for each way in which a trial can end.
//!
//! Most are written with the attributes; those in [`by_hand`] with the builder.

mod bad_input;
mod by_hand;
mod cleanup;
mod client;
mod containers;
mod faults;
mod ladders;
mod outcomes;
mod secrets;

use chaos_harness::harness::Harness;
use std::process::ExitCode;

fn main() -> ExitCode {
    let by_hand = by_hand::experiments().into_iter().chain(secrets::experiments());
    by_hand.fold(Harness::registered(), Harness::experiment).main()
}
