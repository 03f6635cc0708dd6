//! What events changed, in words.

use super::destination::{To, Written};
use super::words::{of_stage, waiting};
use chaos_harness::ledger::Change;
use std::fmt::Write as _;

/// What was written, or would be.
pub(super) fn in_words(written: &Written, dry_run: bool) -> String {
    let mut text = String::new();
    for change in &written.changes.changed {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {}", change.after.experiment, moved(change));
    }
    let added: usize = written.changes.changed.iter().map(|change| change.added).sum();
    let events = if added == 1 { "event" } else { "events" };
    let known = match written.changes.known {
        0 => String::new(),
        known => format!(", {known} were there already"),
    };
    let _ = match (&written.to, dry_run) {
        (_, true) => writeln!(text, "{added} {events} would be recorded{known}: nothing was written"),
        (To::Folder(folder), false) => {
            writeln!(text, "{added} {events} recorded in {}{known}", folder.display())
        }
        (To::Pushed { branch, commit: Some(commit), tries }, false) => {
            let tries = if *tries == 1 { String::new() } else { format!(", at the {tries}. try") };
            let commit = commit.get(..12).unwrap_or(commit);
            writeln!(text, "{added} {events} recorded on {branch} as {commit}{tries}{known}")
        }
        (To::Pushed { branch, .. }, false) => writeln!(text, "nothing new for {branch}{known}"),
    };
    text
}

/// What became of one experiment.
fn moved(change: &Change) -> String {
    let (before, after) = (change.before.as_ref(), &change.after);
    let was = before.map_or(1, |before| before.earned.number);
    let is = after.earned.number;
    let stage = of_stage(after);
    let waiting = waiting(after);
    match before {
        Some(before) if before.reset != after.reset => {
            format!("its definition changed: stage {stage} is earned, in place of stage {was}; {waiting}")
        }
        _ if is > was => format!("promoted from stage {was} to {stage}; {waiting}"),
        _ if is < was => format!("demoted from stage {was} to {stage}; {waiting}"),
        _ => format!("stage {stage} is earned; {waiting}"),
    }
}
