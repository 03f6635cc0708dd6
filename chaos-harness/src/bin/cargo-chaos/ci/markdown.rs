//! The job's summary. All that a test, a service or a file had a part in is shown as it is, and is no markup.

use crate::github::cell;
use crate::trials::{observed, reached};
use chaos_harness::experiment::Verdict;
use chaos_harness::ledger::Evidence;
use std::fmt::Write as _;

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
pub(super) fn summary(evidence: &[Evidence], problems: &[String], warning: Option<&str>) -> String {
    let mut text = format!("### Chaos experiments: {}\n\n", counts(evidence));
    if let Some(warning) = warning {
        // Writing to a string cannot fail.
        let _ = write!(text, "**Warning**: {}\n\n", cell(warning));
    }
    if !evidence.is_empty() {
        text += HEAD;
        text.extend(evidence.iter().map(row));
    }
    let failed: Vec<_> = evidence.iter().filter(|one| one.verdict != Verdict::Upheld).collect();
    if !failed.is_empty() {
        text += "\n";
    }
    for one in failed {
        let (trial, why) = (cell(&one.trial), cell(&one.why));
        let _ = writeln!(text, "- **{}** {trial}: {why}<br>run again: {}", one.verdict, cell(&one.rerun));
    }
    if !problems.is_empty() {
        text += "\nNot taken for evidence:\n\n";
        text.extend(problems.iter().map(|problem| format!("- {}\n", cell(problem))));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trials::sample::evidence;

    #[test]
    fn a_summary_has_a_row_for_each_trial_and_a_line_for_what_was_not_upheld() {
        let mut refuted = evidence("cart::slow_redis::2_5_percent", Verdict::Refuted);
        refuted.attempt.run = 2;
        let all = [refuted, evidence("cart::lost_redis::2_5_percent", Verdict::Upheld)];
        insta::assert_snapshot!(summary(&all, &["x.json: damaged".to_owned()], Some("no ledger")), @r#"
        ### Chaos experiments: 1 refuted, 1 upheld

        **Warning**: <code>no ledger</code>

        | experiment | stage | verdict | observed | reached | seed | journal |
        | --- | --- | --- | --- | --- | --- | --- |
        | <code>shop&#58;&#58;chaos&#58;&#58;cart&#58;&#58;slow&#95;redis</code> | <code>2 of 4 5&#95;percent</code> (attempt 2.1) | **refuted** | <code>p99 &#60; 500ms&#58; 801ms (not held); error&#95;rate &#60; 1%&#58; nothing (undecided)</code> | <code>redis 1 of 3 (33 %)</code> | <code>0xc0ffee</code> | <code>4711/slow&#95;redis&#46;2&#95;5&#95;percent/journal&#46;jsonl</code> |
        | <code>shop&#58;&#58;chaos&#58;&#58;cart&#58;&#58;lost&#95;redis</code> | <code>2 of 4 5&#95;percent</code> | upheld | <code>p99 &#60; 500ms&#58; 801ms; error&#95;rate &#60; 1%&#58; nothing (undecided)</code> | <code>redis 1 of 3 (33 %)</code> | <code>0xc0ffee</code> | <code>4711/slow&#95;redis&#46;2&#95;5&#95;percent/journal&#46;jsonl</code> |

        - **refuted** <code>cart&#58;&#58;slow&#95;redis&#58;&#58;2&#95;5&#95;percent</code>: <code>p99 &#60; 500ms&#58; observed 801ms</code><br>run again: <code>CHAOS&#95;SEED=0xc0ffee cargo test -p shop</code>

        Not taken for evidence:

        - <code>x&#46;json&#58; damaged</code>
        "#);
    }

    #[test]
    fn without_evidence_it_says_so() {
        assert_eq!(summary(&[], &[], None), "### Chaos experiments: no trial left evidence\n\n");
    }
}
