//! Where all experiments stand.

use super::arguments::Status;
use super::destination::{self, DestinationError};
use super::words::{of_stage, waiting};
use crate::outcome::{Failure, Outcome};
use crate::plain;
use crate::table::Table;
use chaos_harness::ledger::{Failure as Refutation, LedgerError, Move, Part, Reset, State};
use serde::Serialize;
use std::fmt::Write as _;

/// The ledger, as far as it can be read.
#[derive(Debug, Serialize)]
struct Shown {
    experiments: Vec<State>,
    unreadable: Vec<String>,
}

/// Shows where experiments stand.
pub(crate) fn status(arguments: &Status) -> Result<Outcome, Failure> {
    let ledger = destination::open(&arguments.ledger)?;
    let mut shown = Shown { experiments: Vec::new(), unreadable: Vec::new() };
    for state in ledger.states().map_err(DestinationError::from)? {
        match state {
            Ok(state) if is_asked_for(&arguments.names, &state) => shown.experiments.push(state),
            Ok(_) => {}
            Err(error) => shown.unreadable.push(told(&error)),
        }
    }
    let empty = || {
        let what = if arguments.names.is_empty() { "experiments yet" } else { "experiment of that name" };
        format!("{} has no {what}\n", ledger.folder().display())
    };
    arguments.format.format.print(&shown, || shown.in_words(empty))?;
    if shown.unreadable.is_empty() {
        return Ok(Outcome::Done);
    }
    for problem in &shown.unreadable {
        eprintln!("error: {}", plain::lines(problem));
    }
    Ok(Outcome::CouldNotRun)
}

fn is_asked_for(names: &[String], state: &State) -> bool {
    let experiment = state.experiment.to_string();
    names.is_empty() || names.iter().any(|name| experiment.contains(name.as_str()))
}

fn told(error: &LedgerError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

impl Shown {
    fn in_words(&self, empty: impl FnOnce() -> String) -> String {
        if self.experiments.is_empty() && self.unreadable.is_empty() {
            return empty();
        }
        let mut table = Table::new(&["EXPERIMENT", "EARNED", "NEXT"]);
        let details: Vec<_> = self.experiments.iter().map(details).collect();
        for state in &self.experiments {
            table.row([state.experiment.to_string(), of_stage(state), waiting(state)]);
        }
        let text = table.text();
        let mut lines = text.lines();
        let mut shown = String::with_capacity(text.len() * 2);
        shown.extend(lines.next());
        shown.push('\n');
        for (line, details) in lines.zip(details) {
            shown.push_str(line);
            shown.push('\n');
            for detail in details {
                // Writing to a string cannot fail.
                let _ = writeln!(shown, "    {detail}");
            }
        }
        shown
    }
}

/// What there is to say beyond the row.
fn details(state: &State) -> Vec<String> {
    let mut details = Vec::new();
    details.extend(state.reset.as_ref().map(reset));
    details.extend(state.promoted.as_ref().map(|moved| format!("promoted {}", by(moved))));
    details.extend(state.demoted.as_ref().map(|moved| format!("demoted {}", by(moved))));
    details.extend(state.last_failure.as_ref().map(refuted));
    let counts = state.counts;
    let counted = [
        (counts.inconclusive, "inconclusive"),
        (counts.unsteady, "unsteady"),
        (counts.halted, "halted"),
        (counts.error, "error"),
    ];
    let counted = counted.into_iter().filter(|(count, _)| *count > 0);
    let counted: Vec<_> = counted.map(|(count, name)| format!("{count} {name}")).collect();
    if !counted.is_empty() {
        details.push(format!("decided nothing: {}", counted.join(", ")));
    }
    details
}

fn reset(reset: &Reset) -> String {
    let parts: Vec<_> = reset.parts.iter().map(Part::to_string).collect();
    let lost = if reset.from > 1 { format!("stage {} had been earned: ", reset.from) } else { String::new() };
    let place = place(reset.run.as_deref(), reset.commit.as_deref());
    format!("starts over, {lost}{} changed {place}, {}", parts.join(", "), reset.at.in_minutes())
}

fn by(moved: &Move) -> String {
    let (from, to, at) = (moved.from, moved.to, moved.at.in_minutes());
    match (&moved.by, &moved.reason) {
        (Some(by), Some(reason)) => format!("from {from} to {to} by {by}, {at}: {reason}"),
        _ => format!("from {from} to {to} {}, {at}", place(moved.run.as_deref(), moved.commit.as_deref())),
    }
}

fn refuted(failure: &Refutation) -> String {
    let Refutation { stage, at, seed, run, commit, why } = failure;
    let place = place(Some(run), commit.as_deref());
    format!("refuted at {stage} {place}, {}, seed {seed}: {}", at.in_minutes(), plain::line(why))
}

/// `in run 4711 at 0123456789ab`.
fn place(run: Option<&str>, commit: Option<&str>) -> String {
    let run = run.map_or_else(String::new, |run| format!("in run {run}"));
    match commit {
        Some(commit) => format!("{run} at {}", commit.get(..12).unwrap_or(commit)),
        None => run,
    }
}
