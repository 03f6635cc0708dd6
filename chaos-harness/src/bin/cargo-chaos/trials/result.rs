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
use std::fmt::Write as _;
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

/// What a run came to: its evidence, whether each trial that began has some, and how its runner ended.
pub(super) fn outcome(
    evidence: &[Evidence],
    is_all_told: bool,
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
        // What is known decided nothing, and something else has failed, of which nothing is known.
        Some(_) if !is_all_told => Err(TrialsError::NoEvidence(runner.name())),
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
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{trial}: {}: {why}\n  run again  {}\n", one.verdict, plain::line(&one.rerun));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::sample::evidence;
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    const ALL_PASSED: i32 = 0;
    const SOME_FAILED: i32 = 100;

    fn came_to(verdicts: &[Verdict], code: i32) -> Result<Outcome, String> {
        let evidence: Vec<_> =
            verdicts.iter().map(|verdict| evidence("slow::2_5_percent", *verdict)).collect();
        let status = ExitStatus::from_raw(code << 8);
        outcome(&evidence, true, Runner::Nextest, status, "asked for").map_err(|error| error.to_string())
    }

    #[test]
    fn a_trial_without_evidence_is_not_hidden_by_one_that_decided_nothing() {
        let decided_nothing = [evidence("slow::2_5_percent", Verdict::Inconclusive)];
        let status = ExitStatus::from_raw(SOME_FAILED << 8);
        let told = outcome(&decided_nothing, false, Runner::Nextest, status, "asked for").unwrap_err();
        assert!(matches!(told, TrialsError::NoEvidence(_)), "{told}");
        let refuted = [evidence("slow::2_5_percent", Verdict::Refuted)];
        let outcome = outcome(&refuted, false, Runner::Nextest, status, "asked for");
        assert_eq!(outcome.unwrap(), Outcome::Refuted);
    }

    #[test]
    fn the_worst_verdict_is_the_outcome() {
        use Verdict::{Error, Halted, Inconclusive, Refuted, Unsteady, Upheld};
        assert_eq!(came_to(&[Upheld], ALL_PASSED), Ok(Outcome::Done));
        for undecided in [Inconclusive, Unsteady, Halted] {
            assert_eq!(came_to(&[Upheld, undecided], SOME_FAILED), Ok(Outcome::Undecided));
            assert_eq!(came_to(&[Error, undecided], SOME_FAILED), Ok(Outcome::CouldNotRun));
            assert_eq!(came_to(&[Error, undecided, Refuted, Upheld], SOME_FAILED), Ok(Outcome::Refuted));
        }
        // Whatever else became of the run, and though a retry was upheld.
        assert_eq!(came_to(&[Refuted], 105), Ok(Outcome::Refuted));
        assert_eq!(came_to(&[Refuted, Upheld], ALL_PASSED), Ok(Outcome::Refuted));
        // A profile has it be a warning.
        assert_eq!(came_to(&[Inconclusive], ALL_PASSED), Ok(Outcome::Done));
    }

    #[test]
    fn what_no_evidence_explains_is_never_a_success() {
        let told = |verdicts: &[Verdict], code| came_to(verdicts, code).unwrap_err();
        assert!(told(&[], ALL_PASSED).starts_with("nothing ran: no trial asked for"));
        assert!(told(&[], Nextest::NO_TESTS_RUN).starts_with("nothing ran"));
        assert!(told(&[], SOME_FAILED).contains("left no evidence"));
        assert!(told(&[Verdict::Upheld], SOME_FAILED).contains("left no evidence"));
        assert!(told(&[Verdict::Upheld], 102).contains("cargo nextest run ended with exit status: 102"));
        assert!(told(&[Verdict::Inconclusive], 102).contains("ended with exit status: 102"));
    }

    #[test]
    fn the_worst_come_first_and_say_how_to_run_again() {
        let mut all = [
            ("b::2_5_percent", Verdict::Upheld),
            ("c::2_5_percent", Verdict::Refuted),
            ("a::2_5_percent", Verdict::Upheld),
        ]
        .map(|(trial, verdict)| evidence(trial, verdict));
        sort(&mut all);
        let text = in_words(&all);
        insta::assert_snapshot!(text, @r#"
        VERDICT  TRIAL           REACHED              OBSERVED                                                             SEED
        refuted  c::2_5_percent  redis 1 of 3 (33 %)  p99 < 500ms: 801ms (not held); error_rate < 1%: nothing (undecided)  0xc0ffee
        upheld   a::2_5_percent  redis 1 of 3 (33 %)  p99 < 500ms: 801ms; error_rate < 1%: nothing (undecided)             0xc0ffee
        upheld   b::2_5_percent  redis 1 of 3 (33 %)  p99 < 500ms: 801ms; error_rate < 1%: nothing (undecided)             0xc0ffee

        c::2_5_percent: refuted: p99 < 500ms: observed 801ms
          run again  CHAOS_SEED=0xc0ffee cargo test -p shop
        "#);
    }
}
