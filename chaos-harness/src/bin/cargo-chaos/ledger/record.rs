//! Recording evidence: what `cargo chaos ci record` does.

use super::arguments::Record;
use super::changes;
use super::destination::{DestinationError, Written};
use super::git::Needed;
use crate::github::Github;
use crate::outcome::{Failure, Outcome};
use crate::plain;
use chaos_harness::ledger::{Elsewhere, Event, Evidence, EvidenceError, ExperimentId, Gathered, Moment};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Why nothing was recorded. The evidence is as it was.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error(
        "this is a run for `{0}`: those read the ledger and never write it. Record in a job for `schedule`, `push` to the \
         default branch, or `workflow_dispatch`"
    )]
    ReadOnly(String),
    #[error(
        "this is a run on `{git_ref}`, and only `{default_branch}` is recorded: whoever can push to another branch could \
         write any evidence there"
    )]
    OtherBranch { git_ref: String, default_branch: String },
    #[error("no evidence can be read in {}", folder.display())]
    NoFolder { folder: PathBuf, source: io::Error },
    #[error("nothing was recorded; the evidence is as it was, and can be recorded later")]
    Destination(#[from] DestinationError),
}

impl From<Elsewhere> for RecordError {
    fn from(elsewhere: Elsewhere) -> Self {
        match elsewhere {
            Elsewhere::Unmerged { event } => Self::ReadOnly(event),
            Elsewhere::OtherBranch { git_ref, default_branch } => {
                Self::OtherBranch { git_ref, default_branch }
            }
        }
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Recorded {
    written: Written,
    dry_run: bool,
    /// What does not count, and why.
    not_counted: Vec<Left>,
    /// What could not be read.
    unreadable: Vec<Left>,
}

/// A file of evidence that is left out.
#[derive(Debug, Serialize)]
struct Left {
    file: PathBuf,
    experiment: Option<ExperimentId>,
    reason: String,
}

/// Folds evidence into the ledger.
pub(crate) fn record(arguments: &Record) -> Result<Outcome, Failure> {
    let github = Github::from_env();
    if let Some(elsewhere) = github.origin.elsewhere() {
        return Err(Failure::usage(RecordError::from(elsewhere)));
    }
    let folder = &arguments.evidence;
    std::fs::read_dir(folder).map_err(|source| RecordError::NoFolder { folder: folder.clone(), source })?;
    let Gathered { evidence, problems } = Evidence::read_all(folder);
    let unreadable: Vec<_> = problems.into_iter().map(Left::from).collect();
    let now = Moment::now();
    let (mut events, mut not_counted) = (Vec::new(), Vec::new());
    for (file, mut evidence) in evidence {
        // Of its own run, the recorder knows better than what the tests wrote.
        if github.is_running && github.run.as_ref() == Some(&evidence.run.id) {
            evidence.origin = github.origin.clone();
        }
        match evidence.to_event(now) {
            Ok(event) => events.push(event),
            Err(reason) => {
                let experiment = Some(evidence.experiment);
                not_counted.push(Left { file, experiment, reason: reason.to_string() });
            }
        }
    }
    for left in &unreadable {
        let file = left.file.display().to_string();
        eprintln!("warning: {}: {}", plain::line(&file), plain::line(&left.reason));
    }
    let needed = Needed::Only(events.iter().map(|event: &Event| event.experiment().clone()).collect());
    let written = arguments
        .destination
        .write(&needed, arguments.dry_run, |_| Ok::<_, DestinationError>(events.clone()))
        .map_err(|error| {
            if error.is_usage() { Failure::usage(error) } else { Failure::from(RecordError::from(error)) }
        })?;
    let recorded = Recorded { written, dry_run: arguments.dry_run, not_counted, unreadable };
    arguments.format.format.print(&recorded, || recorded.in_words())?;
    Ok(Outcome::Done)
}

impl Recorded {
    fn in_words(&self) -> String {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for left in &self.not_counted {
            *reasons.entry(&left.reason).or_default() += 1;
        }
        let mut text = changes::in_words(&self.written, self.dry_run);
        for (reason, count) in reasons {
            let trials = if count == 1 { "trial does" } else { "trials do" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{count} {trials} not count: {reason}");
        }
        text
    }
}

impl From<EvidenceError> for Left {
    fn from(EvidenceError { path, reason, .. }: EvidenceError) -> Self {
        Self { file: path, experiment: None, reason }
    }
}
