//! `cargo chaos ci`: what the jobs of CI call.

mod annotate;
mod arguments;
mod markdown;
mod place;

pub(crate) use arguments::CiArguments;

use crate::child::Shown;
use crate::format::Format;
use crate::github::{Github, Quiet, annotations, append_summary, write_outputs};
use crate::ledger::record;
use crate::outcome::{Failure, Outcome};
use crate::trials::{self, Ran, Request, Selection, sort};
use annotate::{Repository, annotate};
use arguments::{CiCommand, Summary};
use chaos_harness::ledger::Evidence;
use place::{LedgerPlace, LedgerSource};
use serde::Serialize;
use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

/// Why nothing could be run, or told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CiError {
    #[error("the current folder is not known")]
    Folder(#[source] io::Error),
    #[error("cannot write what is to be told")]
    Output(#[source] io::Error),
    #[error("there is no folder {}: --evidence names the one that the trials wrote to, or that artifacts were loaded into", .0.display())]
    NoEvidence(PathBuf),
}

/// What a summary is of, for programs.
#[derive(Serialize)]
struct Summarised<'a> {
    trials: &'a [Evidence],
    problems: &'a [String],
}

/// Carries out a command of CI's.
pub(crate) fn ci(arguments: &CiArguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        CiCommand::Gate(gate) => run(&gate.selection, &gate.profile, &gate.ledger.place, gate.format.format),
        CiCommand::Escalate(night) => {
            run(&night.selection, &night.profile, &night.ledger.place, night.format.format)
        }
        CiCommand::Summary(arguments) => summary(arguments),
        CiCommand::Record(arguments) => record(arguments),
    }
}

/// Runs trials for GitHub.
fn run(
    selection: &Selection,
    profile: &str,
    place: &LedgerPlace,
    format: Format,
) -> Result<Outcome, Failure> {
    let github = Github::from_env()?;
    let source = place.source(&github);
    let mut console = console(format);
    // All that others have a part in comes before this ends: what cargo says, the trials, and what they came to.
    let mut quiet = Quiet::start(&mut console, github.is_running).map_err(CiError::Output)?;
    let ledger = match source {
        // From here; what the settings say is from where they are.
        LedgerSource::Folder(folder) => Some(std::path::absolute(folder).map_err(CiError::Folder)?),
        _ => None,
    };
    let request = Request { selection, profile: Some(profile), ledger: ledger.as_deref() };
    let ran = trials::carry_out(&request, &mut Shown::To(&mut quiet))?;
    if format == Format::Human {
        write!(quiet, "\n{}", ran.in_words()).map_err(CiError::Output)?;
    }
    drop(quiet);
    tell(&ran.evidence, &ran.problems, &github, &mut console)?;
    if let Some(file) = &github.output {
        write_outputs(file, &outputs(&ran))?;
    }
    if format == Format::Json {
        format.print(&ran.report(), String::new)?;
    }
    Ok(ran.outcome?)
}

/// The outputs of the step.
fn outputs(ran: &Ran) -> [(&'static str, String); 4] {
    let outcome = match &ran.outcome {
        Ok(Outcome::Done) => "upheld",
        Ok(Outcome::Refuted) => "refuted",
        Ok(Outcome::Undecided) => "undecided",
        Ok(Outcome::Usage | Outcome::CouldNotRun) | Err(_) => "could_not_run",
    };
    [
        ("run", ran.run.clone()),
        ("outcome", outcome.to_owned()),
        ("trials", ran.evidence.len().to_string()),
        ("evidence", ran.runs.display().to_string()),
    ]
}

/// Summarises what is below a folder.
fn summary(arguments: &Summary) -> Result<Outcome, Failure> {
    let folder = &arguments.evidence;
    if !folder.is_dir() {
        return Err(CiError::NoEvidence(folder.clone()).into());
    }
    let github = Github::from_env()?;
    let found = Evidence::read_all(folder);
    let mut evidence: Vec<_> = found.evidence.into_iter().map(|(_, evidence)| evidence).collect();
    sort(&mut evidence);
    let problems: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
    let format = arguments.format.format;
    let mut console = console(format);
    if format == Format::Human && github.summary.is_none() {
        let mut quiet = Quiet::start(&mut console, github.is_running).map_err(CiError::Output)?;
        quiet.write_all(markdown::summary(&evidence, &problems).as_bytes()).map_err(CiError::Output)?;
    }
    tell(&evidence, &problems, &github, &mut console)?;
    if format == Format::Json {
        format.print(&Summarised { trials: &evidence, problems: &problems }, String::new)?;
    }
    Ok(Outcome::Done)
}

/// Tells what trials came to, where GitHub looks for it.
fn tell(
    evidence: &[Evidence],
    problems: &[String],
    github: &Github,
    console: &mut impl Write,
) -> Result<(), Failure> {
    if let Some(file) = &github.summary {
        append_summary(file, &markdown::summary(evidence, problems))?;
    }
    if github.is_running {
        let here = env::current_dir().map_err(CiError::Folder)?;
        let repository = Repository::around(here, github.workspace.clone());
        let lines = annotations(annotate(evidence, &repository));
        console.write_all(lines.as_bytes()).map_err(CiError::Output)?;
    }
    Ok(())
}

/// Where people, and the runner, look. Commands are taken from standard error, too.
fn console(format: Format) -> Box<dyn Write> {
    match format {
        Format::Human => Box::new(io::stdout()),
        #[expect(
            clippy::disallowed_methods,
            reason = "standard output is for programs; no secret is among what is told"
        )]
        Format::Json => Box::new(io::stderr()),
    }
}
