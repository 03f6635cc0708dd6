//! `cargo chaos list`, `run` and `escalate`: trials, and what they came to.

mod arguments;
mod error;
mod listing;
mod result;
mod runner;
#[cfg(test)]
pub(crate) mod sample;
mod silent;

pub(crate) use arguments::{Escalate, List, Run, Selection};
pub(crate) use error::TrialsError;
pub(crate) use listing::{ListedTarget, list, targets as listed_targets};
pub(crate) use result::{observed, reached, sort};

use crate::cargo::{BuildError, Nextest, Targets, Workspace, build};
use crate::child::{self, Shown};
use crate::format::Format;
use crate::outcome::{Failure, Outcome};
use chaos_harness::ledger::{Evidence, Moment};
use chaos_harness::settings::Settings;
use runner::{Runner, is_share};
use serde::Serialize;
use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) selection: &'a Selection,
    /// None is what chaos.toml or the environment says.
    pub(crate) profile: Option<&'a str>,
    /// Where the ledger is, where that is not what chaos.toml says.
    pub(crate) ledger: Option<&'a Path>,
    /// The variable with the token that the ledger was fetched with: no affair of what is run.
    pub(crate) token_env: Option<&'a str>,
}

/// What a run came to, and left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) run: String,
    /// The folder of all runs.
    pub(crate) runs: PathBuf,
    /// The worst first.
    pub(crate) evidence: Vec<Evidence>,
    /// Files that are none.
    pub(crate) problems: Vec<String>,
    pub(crate) outcome: Result<Outcome, TrialsError>,
}

/// The same, for programs.
#[derive(Serialize)]
struct Report<'a> {
    run: &'a str,
    trials: &'a [Evidence],
    problems: &'a [String],
}

/// Runs what is asked for.
pub(crate) fn run(arguments: &Run) -> Result<Outcome, Failure> {
    by_hand(&arguments.selection, arguments.profile.as_deref(), arguments.format.format)
}

/// The same, with the next stages.
pub(crate) fn escalate(arguments: &Escalate) -> Result<Outcome, Failure> {
    by_hand(&arguments.selection, Some(&arguments.profile), arguments.format.format)
}

fn by_hand(selection: &Selection, profile: Option<&str>, format: Format) -> Result<Outcome, Failure> {
    let mut shown = match format {
        Format::Human => Shown::AsItIs,
        Format::Json => Shown::ToStandardError,
    };
    let ran = carry_out(&Request { selection, profile, ledger: None, token_env: None }, &mut shown)?;
    format.print(&ran.report(), || format!("\n{}", ran.in_words()))?;
    Ok(ran.outcome?)
}

impl Ran {
    pub(crate) fn report(&self) -> impl Serialize {
        Report { run: &self.run, trials: &self.evidence, problems: &self.problems }
    }

    pub(crate) fn in_words(&self) -> String {
        let mut text =
            if self.evidence.is_empty() { String::new() } else { result::in_words(&self.evidence) };
        for problem in &self.problems {
            // Writing to a string cannot fail.
            let _ = write!(text, "\nthis is no evidence, and is passed over: {problem}\n");
        }
        text
    }
}

/// Runs the trials, and reads what they left.
pub(crate) fn carry_out(request: &Request<'_>, shown: &mut Shown<'_>) -> Result<Ran, TrialsError> {
    let workspace = Workspace::current()?;
    let settings = settings(request.profile, request.ledger)?;
    let Selection { filters, packages, arguments } = request.selection;
    let targets = Targets::find(&workspace, packages, &settings.tests.value)?;
    let runner = Runner::find();
    if runner == Runner::CargoTest {
        // So that a build that fails is told from a test that does.
        let mut command = build::command(&targets, arguments);
        withhold(&mut command, request.token_env);
        let built = child::run(command, shown).map_err(BuildError::Cargo)?;
        if !built.success() {
            return Err(BuildError::Failed(built).into());
        }
    }
    let (runs, known_run) = (workspace.runs(), known_run());
    // Of a run that others are part of, there may be evidence already.
    let before: BTreeSet<_> = match &known_run {
        Some(_) => Evidence::read_all(&runs).evidence.into_iter().map(|(path, _)| path).collect(),
        None => BTreeSet::new(),
    };
    let journals_before = silent::journals(&runs);
    let run = known_run.unwrap_or_else(fresh_run);
    let mut command = runner.command(&targets, filters, arguments);
    withhold(&mut command, request.token_env);
    command.env("CHAOS_RUN_ID", &run);
    // Out of an archive, programs do not know where they were built.
    command.envs(runs.parent().map(|target| ("CHAOS_TARGET_DIR", target)));
    command.envs(request.profile.map(|profile| ("CHAOS_PROFILE", profile)));
    command.envs(request.ledger.map(|ledger| ("CHAOS_LEDGER_DIR", ledger)));
    let status =
        child::run(command, shown).map_err(|source| TrialsError::Runner { runner: runner.name(), source })?;

    let found = Evidence::read_all(&runs);
    let new = found.evidence.into_iter().filter(|(path, one)| one.run.id == run && !before.contains(path));
    let mut evidence: Vec<_> = new.map(|(_, one)| one).collect();
    sort(&mut evidence);
    let has_none = status.code() == Some(Nextest::NO_TESTS_RUN) && evidence.is_empty();
    let outcome = if has_none && is_share(arguments) {
        Ok(Outcome::Done)
    } else {
        let journals = silent::journals(&runs).difference(&journals_before).cloned().collect();
        let is_all_told = !silent::is_any(&journals, &runs, &evidence);
        result::outcome(&evidence, is_all_told, runner, status, &asked_for(filters))
    };
    let problems = found.problems.iter().map(ToString::to_string).collect();
    Ok(Ran { run, runs, evidence, problems, outcome })
}

fn withhold(command: &mut Command, variable: Option<&str>) {
    if let Some(variable) = variable {
        command.env_remove(variable);
    }
}

/// What is set, as the trials will read it.
pub(crate) fn settings(profile: Option<&str>, ledger: Option<&Path>) -> Result<Settings, TrialsError> {
    let here = env::current_dir().map_err(TrialsError::Folder)?;
    let mut variables: Vec<_> = env::vars_os().collect();
    let mut set = |name: &str, value: OsString| {
        variables.retain(|(known, _)| known != name);
        variables.push((name.into(), value));
    };
    if let Some(profile) = profile {
        set("CHAOS_PROFILE", profile.into());
    }
    if let Some(ledger) = ledger {
        set("CHAOS_LEDGER_DIR", ledger.into());
    }
    Ok(Settings::load(&here, variables)?)
}

/// The run that this is part of.
fn known_run() -> Option<String> {
    let said = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    said("CHAOS_RUN_ID").or_else(|| said("GITHUB_RUN_ID"))
}

/// A name that sorts by time: `20261123T192403-4711`, in UTC.
fn fresh_run() -> String {
    let now = Moment::now().to_string();
    let second = now.split('.').next().unwrap_or(&now).replace(['-', ':'], "");
    format!("{second}-{}", process::id())
}

/// What was asked for, as the reason that there is no such thing.
fn asked_for(filters: &[String]) -> String {
    if filters.is_empty() {
        return "is to be run under this profile on this machine".to_owned();
    }
    let filters: Vec<_> = filters.iter().map(|filter| format!("`{filter}`")).collect();
    format!("with {} in its name is to be run under this profile on this machine", filters.join(" or "))
}
