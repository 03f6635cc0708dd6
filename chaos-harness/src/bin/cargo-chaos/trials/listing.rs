//! What there is to run, as the test programs themselves say it.

use super::arguments::List;
use super::error::TrialsError;
use super::settings;
use crate::cargo::{Targets, TestProgram, Workspace, build};
use crate::child::output_within;
use crate::outcome::{Failure, Outcome};
use crate::plain;
use crate::table::Table;
use chaos_harness::harness::ListedTrial;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// How long a test program may take to say what is in it: it asks the engine, and reads the ledger.
const LISTS_WITHIN: Duration = Duration::from_secs(30);

/// A test program does not say what is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    #[error("{} cannot be asked what is in it", program.display())]
    Run { program: PathBuf, source: std::io::Error },
    #[error("{} does not say what is in it: {said}", program.display())]
    Failed { program: PathBuf, said: String },
    #[error("{} lists its trials as a release of the harness does that this command does not know: {line}", program.display())]
    Unknown { program: PathBuf, line: String },
}

/// A test target, and the trials in it.
#[derive(Debug, Serialize)]
pub(crate) struct ListedTarget {
    pub(crate) package: String,
    pub(crate) target: String,
    /// None where it has libtest's harness: `cargo test` runs what is in it, one stage of each experiment.
    pub(crate) trials: Option<Vec<ListedTrial>>,
}

/// Lists what is asked for.
pub(crate) fn list(arguments: &List) -> Result<Outcome, Failure> {
    let workspace = Workspace::current()?;
    let mut listed =
        targets(&workspace, &arguments.packages, arguments.profile.as_deref(), &arguments.arguments)?;
    for target in &mut listed {
        if let Some(trials) = &mut target.trials {
            let is_asked_for = |trial: &ListedTrial| {
                arguments.filters.is_empty()
                    || arguments.filters.iter().any(|filter| trial.name.contains(filter))
            };
            trials.retain(is_asked_for);
        }
    }
    arguments.format.format.print(&listed, || in_words(&listed))?;
    Ok(Outcome::Done)
}

/// The test targets that hold experiments, built, and what is in them.
pub(crate) fn targets(
    workspace: &Workspace,
    packages: &[String],
    profile: Option<&str>,
    arguments: &[String],
) -> Result<Vec<ListedTarget>, TrialsError> {
    let settings = settings(profile, None)?;
    let targets = Targets::find(workspace, packages, &settings.tests.value)?;
    let programs = build::programs(workspace, &targets, arguments)?;
    let listed = programs.into_iter().map(|program| {
        let trials = trials(&program, profile)?;
        Ok(ListedTarget { package: program.package, target: program.target, trials })
    });
    listed.collect()
}

/// The trials of a program; nothing where it has libtest's harness.
fn trials(program: &TestProgram, profile: Option<&str>) -> Result<Option<Vec<ListedTrial>>, ListError> {
    let path = || program.path.clone();
    let mut command = Command::new(&program.path);
    // libtest's harness lists its tests; this project's takes the variable, and says more.
    command.arg("--list").current_dir(&program.folder);
    command.env("CHAOS_LISTING", "json").env("CARGO_MANIFEST_DIR", &program.folder);
    command.env("CARGO_PKG_NAME", &program.package);
    command.envs(profile.map(|profile| ("CHAOS_PROFILE", profile)));
    let output =
        output_within(command, LISTS_WITHIN).map_err(|source| ListError::Run { program: path(), source })?;
    let (said, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(ListError::Failed { program: path(), said: complaint.trim().to_owned() });
    }
    // What it warns of is for whoever asked.
    eprint!("{}", plain::lines(&complaint));
    if said.lines().any(|line| !line.starts_with('{')) {
        return Ok(None);
    }
    let trial = |line: &str| match serde_json::from_str::<ListedTrial>(line) {
        Ok(trial) if trial.schema == ListedTrial::SCHEMA => Ok(trial),
        _ => Err(ListError::Unknown { program: path(), line: line.to_owned() }),
    };
    said.lines().map(trial).collect::<Result<_, _>>().map(Some)
}

fn in_words(listed: &[ListedTarget]) -> String {
    let mut text = String::new();
    for ListedTarget { package, target, trials } in listed {
        if !text.is_empty() {
            text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{package}::{target}");
        match trials {
            None => {
                text += "  it has libtest's harness, which lists tests and no stages: `harness = false` in its [[test]] has \
                         each stage listed\n";
            }
            Some(trials) if trials.is_empty() => text += "  no trial\n",
            Some(trials) => text += &table(trials),
        }
    }
    text
}

fn table(trials: &[ListedTrial]) -> String {
    let mut table = Table::new(&["", "TRIAL", "ASKED", "REACHES", "RISK", "EARNED", "RUNS"]);
    for trial in trials {
        let reaches = |stage: &chaos_harness::harness::ListedStage| {
            let told = stage.reached.iter().map(|reach| format!("{} {}", reach.service, reach.text));
            told.collect::<Vec<_>>().join("; ")
        };
        let stage = trial.stage.as_ref();
        let said =
            |text: fn(&chaos_harness::harness::ListedStage) -> &str| stage.map_or("-", text).to_owned();
        let earned =
            stage.map_or_else(|| "-".to_owned(), |stage| format!("{} of {}", trial.proof.earned, stage.of));
        let runs = match (&trial.problems, &trial.left_out) {
            (Some(problems), _) => format!("fails: {problems}"),
            (None, Some(reason)) => format!("ignored: {reason}"),
            (None, None) => "yes".to_owned(),
        };
        let cells = [
            String::new(),
            trial.name.clone(),
            said(|stage| &stage.asked),
            stage.map_or_else(|| "-".to_owned(), reaches),
            said(|stage| &stage.risk),
            earned,
            runs,
        ];
        table.row(cells.map(|cell| plain::line(&cell)));
    }
    table.text()
}
