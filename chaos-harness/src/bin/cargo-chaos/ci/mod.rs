//! `cargo chaos ci`: what the jobs of CI call.

mod annotate;
mod arguments;
mod base;
mod markdown;
mod place;

pub(crate) use arguments::CiArguments;

use crate::child::Shown;
use crate::format::Format;
use crate::github::{Annotation, Github, Level, Quiet, annotations, append_summary, write_outputs};
use crate::ledger;
use crate::outcome::{Failure, Outcome};
use crate::plain;
use crate::trials::{self, Ran, Request, sort};
use annotate::{Repository, annotate};
use arguments::{CiCommand, Summary, Trials};
use chaos_harness::ledger::Evidence;
use serde::Serialize;
use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

/// Why nothing could be run, or told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CiError {
    #[error("the current folder is not known")]
    Folder(#[source] io::Error),
    #[error("no folder for a copy of the ledger can be made in {}", env::temp_dir().display())]
    Copy(#[source] io::Error),
    #[error("the ledger is in {}, which is not in the repository: `--ledger branch`, or a folder, is for that", .0.display())]
    OutsideOfRepository(PathBuf),
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
        CiCommand::Gate(gate) => run(&gate.profile, &gate.trials),
        CiCommand::Escalate(night) => run(&night.profile, &night.trials),
        CiCommand::Record(arguments) => ledger::record(arguments),
        CiCommand::Summary(arguments) => summary(arguments),
    }
}

/// Runs trials for GitHub.
fn run(profile: &str, trials: &Trials) -> Result<Outcome, Failure> {
    let Trials { selection, ledger, format } = trials;
    let format = format.format;
    let github = Github::from_env();
    let reading = base::reading(ledger, profile, &github)?;
    let mut console = console(format);
    // All that others have a part in comes before this ends: what cargo says, the trials, and what they came to.
    let mut quiet = Quiet::start(&mut console, github.is_running).map_err(CiError::Output)?;
    if let Some(note) = &reading.note {
        let note = plain::lines(note);
        writeln!(quiet, "nothing is recorded as yet: {note}: the smallest stages run")
            .map_err(CiError::Output)?;
    }
    if let Some(warning) = &reading.warning {
        writeln!(quiet, "warning: {}", plain::lines(warning)).map_err(CiError::Output)?;
    }
    let request = Request {
        selection,
        profile: Some(profile),
        ledger: reading.folder.as_deref(),
        token_env: ledger.remote.token_env(),
    };
    let ran = trials::carry_out(&request, &mut Shown::To(&mut quiet))?;
    if format == Format::Human {
        write!(quiet, "\n{}", ran.in_words()).map_err(CiError::Output)?;
    }
    drop(quiet);
    tell(&ran.evidence, &ran.problems, reading.warning.as_deref(), &github, &mut console)?;
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
    let github = Github::from_env();
    let found = Evidence::read_all(folder);
    let mut evidence: Vec<_> = found.evidence.into_iter().map(|(_, evidence)| evidence).collect();
    sort(&mut evidence);
    let problems: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
    let format = arguments.format.format;
    let mut console = console(format);
    if format == Format::Human && github.summary.is_none() {
        let mut quiet = Quiet::start(&mut console, github.is_running).map_err(CiError::Output)?;
        quiet.write_all(markdown::summary(&evidence, &problems, None).as_bytes()).map_err(CiError::Output)?;
    }
    tell(&evidence, &problems, None, &github, &mut console)?;
    if format == Format::Json {
        format.print(&Summarised { trials: &evidence, problems: &problems }, String::new)?;
    }
    Ok(Outcome::Done)
}

/// Tells what trials came to, where GitHub looks for it.
fn tell(
    evidence: &[Evidence],
    problems: &[String],
    warning: Option<&str>,
    github: &Github,
    console: &mut impl Write,
) -> Result<(), Failure> {
    if let Some(file) = &github.summary {
        append_summary(file, &markdown::summary(evidence, problems, warning))?;
    }
    if github.is_running {
        let here = env::current_dir().map_err(CiError::Folder)?;
        let repository = Repository::around(here, github.workspace.clone());
        let mut all = annotate(evidence, &repository);
        all.extend(warning.map(|warning| Annotation {
            level: Level::Warning,
            place: None,
            title: "the ledger is not read as it is".to_owned(),
            message: warning.to_owned(),
        }));
        console.write_all(annotations(all).as_bytes()).map_err(CiError::Output)?;
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
