//! The job's summary. All that a test, a service or a file had a part in is shown as it is, and is no markup.

use crate::github::cell;
use crate::trials::{observed, reached};
use chaos_harness::experiment::Verdict;
use chaos_harness::ledger::Evidence;

/// What comes before the table, and what it is called.
const HEAD: &str = "\
| experiment | stage | verdict | observed | reached | seed | journal |
| --- | --- | --- | --- | --- | --- | --- |
";

/// The verdicts, the worst first.
const VERDICTS: [Verdict; 6] = [
    Verdict::Refuted,
    Verdict::Error,
    Verdict::Halted,
    Verdict::Unsteady,
    Verdict::Inconclusive,
    Verdict::Upheld,
];

/// The summary of these trials, the worst first, and of files that are no evidence.
pub(super) fn summary(evidence: &[Evidence], problems: &[String]) -> String {
    let mut text = format!("### Chaos experiments: {}\n\n", counts(evidence));
    if !evidence.is_empty() {
        text += HEAD;
        evidence.iter().for_each(|one| text += &row(one));
    }
    let failed: Vec<_> = evidence.iter().filter(|one| one.verdict != Verdict::Upheld).collect();
    if !failed.is_empty() {
        text += "\n";
    }
    for one in failed {
        let (trial, why) = (cell(&one.trial), cell(&one.why));
        text += &format!("- **{}** {trial}: {why}<br>run again: {}\n", one.verdict, cell(&one.rerun));
    }
    if !problems.is_empty() {
        text += "\nNot taken for evidence:\n\n";
        problems.iter().for_each(|problem| text += &format!("- {}\n", cell(problem)));
    }
    text
}

/// `1 refuted, 3 upheld`.
fn counts(evidence: &[Evidence]) -> String {
    let count = |verdict| evidence.iter().filter(|one| one.verdict == verdict).count();
    let told = VERDICTS.into_iter().filter(|verdict| count(*verdict) > 0);
    let told: Vec<_> = told.map(|verdict| format!("{} {verdict}", count(verdict))).collect();
    if told.is_empty() { "no trial left evidence".to_owned() } else { told.join(", ") }
}

fn row(one: &Evidence) -> String {
    let verdict = match one.verdict {
        Verdict::Upheld => one.verdict.to_string(),
        worse => format!("**{worse}**"),
    };
    let stage = format!("{} of {} {}", one.stage.number, one.stage.of, one.stage.name);
    let attempt = if one.attempt.is_first() { String::new() } else { format!(" (attempt {})", one.attempt) };
    let cells = [
        cell(&one.experiment.to_string()),
        cell(&stage) + &attempt,
        verdict,
        cell(&observed(one)),
        cell(&reached(one)),
        cell(&one.seed.to_string()),
        cell(&one.journal),
    ];
    format!("| {} |\n", cells.join(" | "))
}
