//! What trials came to, by the evidence that they left.

use super::error::TrialsError;
use super::runner::Runner;
use crate::cargo::Nextest;
use crate::outcome::Outcome;
use crate::plain;
use crate::table::Table;
use chaos_harness::experiment::Verdict;
use chaos_harness::ledger::Evidence;
use std::cmp::Reverse;
use std::process::ExitStatus;

/// What the runner ends with where tests failed, and nothing else was wrong.
const TESTS_FAILED: [i32; 2] = [100, 101];

/// How bad a verdict is: the exit code is that of the worst. A refutation is what a run is for, and outweighs what could not
/// be run beside it.
fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Upheld => 0,
        Verdict::Inconclusive | Verdict::Unsteady | Verdict::Halted => 1,
        Verdict::Error => 2,
        Verdict::Refuted => 3,
    }
}

/// What a run came to: its evidence, and how its runner ended.
pub(super) fn outcome(
    evidence: &[Evidence],
    runner: Runner,
    status: ExitStatus,
    what: &str,
) -> Result<Outcome, TrialsError> {
    let worst = evidence.iter().map(|evidence| evidence.verdict).max_by_key(|verdict| severity(*verdict));
    let has_failed_tests = status.code().is_some_and(|code| TESTS_FAILED.contains(&code));
    match worst {
        Some(Verdict::Refuted) => Ok(Outcome::Refuted),
        None if runner == Runner::Nextest && status.code() == Some(Nextest::NO_TESTS_RUN) => {
            Err(TrialsError::NothingRan(what.to_owned()))
        }
        // What ends otherwise than by failed tests has not run them all.
        _ if !status.success() && !has_failed_tests => {
            Err(TrialsError::RunnerFailed { runner: runner.name(), status })
        }
        Some(Verdict::Error) => Ok(Outcome::CouldNotRun),
        // The runner took it for a success: the profile has it be a warning, or no fault was asked for.
        Some(_) if status.success() => Ok(Outcome::Done),
        Some(Verdict::Inconclusive | Verdict::Unsteady | Verdict::Halted) => Ok(Outcome::Undecided),
        None if status.success() => Err(TrialsError::NothingRan(what.to_owned())),
        Some(Verdict::Upheld) | None => Err(TrialsError::NoEvidence(runner.name())),
    }
}

/// The worst first, then by name.
pub(crate) fn sort(evidence: &mut [Evidence]) {
    evidence.sort_by(|one, other| {
        let key =
            |evidence: &Evidence| (Reverse(severity(evidence.verdict)), evidence.experiment.to_string());
        let order = key(one).cmp(&key(other));
        order.then_with(|| (one.stage.number, one.attempt).cmp(&(other.stage.number, other.attempt)))
    });
}

/// `p99 < 500ms: 230ms`, for each threshold.
pub(crate) fn observed(evidence: &Evidence) -> String {
    let told = evidence.thresholds.iter().map(|seen| {
        let held = match seen.held {
            Some(true) => "",
            Some(false) => " (not held)",
            None => " (undecided)",
        };
        let observed = if seen.observed.is_empty() { "nothing" } else { &seen.observed };
        format!("{}: {observed}{held}", seen.threshold)
    });
    told.collect::<Vec<_>>().join("; ")
}

/// `redis 1 of 3 (33 %)`, for each service.
pub(crate) fn reached(evidence: &Evidence) -> String {
    let told = evidence.stage.reached.iter().map(|reached| format!("{} {}", reached.service, reached.text));
    let told = told.collect::<Vec<_>>().join("; ");
    if told.is_empty() { format!("asked for {}", evidence.stage.asked) } else { told }
}

/// All of it in words: a table, and what is to be known of what was not upheld.
pub(super) fn in_words(evidence: &[Evidence]) -> String {
    let mut table = Table::new(&["VERDICT", "TRIAL", "REACHED", "OBSERVED", "SEED"]);
    for one in evidence {
        let cells =
            [one.verdict.to_string(), one.trial.clone(), reached(one), observed(one), one.seed.to_string()];
        table.row(cells.map(|cell| plain::line(&cell)));
    }
    let mut text = table.text();
    for one in evidence.iter().filter(|one| one.verdict != Verdict::Upheld) {
        let (trial, why) = (plain::line(&one.trial), plain::line(&one.why));
        text += &format!("\n{trial}: {}: {why}\n  run again  {}\n", one.verdict, plain::line(&one.rerun));
    }
    text
}
