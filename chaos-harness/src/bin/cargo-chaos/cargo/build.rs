//! Building test programs, and learning where they are.

use super::cargo;
use super::test_programs::Targets;
use serde::Deserialize;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// The test programs were not built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("cannot run cargo")]
    Cargo(#[source] io::Error),
    #[error("the experiments do not build: cargo ended with {0}, and said above what is wrong")]
    Failed(ExitStatus),
}

/// A test program that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestProgram {
    pub(crate) package: String,
    pub(crate) target: String,
    pub(crate) path: PathBuf,
    /// The folder of its package, where cargo runs it.
    pub(crate) folder: PathBuf,
}

/// What cargo prints, one of them a line: as far as it is of interest.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    target: Option<MessageTarget>,
    profile: Option<MessageProfile>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct MessageTarget {
    name: String,
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct MessageProfile {
    test: bool,
}

/// What builds these targets.
pub(crate) fn command(targets: &Targets, arguments: &[String]) -> Command {
    let mut command = cargo();
    command.args(["test", "--no-run"]).args(targets.selection()).args(arguments);
    command
}

/// Builds these targets. What cargo says on the way goes to standard error.
pub(crate) fn programs(
    workspace: &super::Workspace,
    targets: &Targets,
    arguments: &[String],
) -> Result<Vec<TestProgram>, BuildError> {
    let mut command = command(targets, arguments);
    command.arg("--message-format=json-render-diagnostics");
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(BuildError::Cargo)?;
    if !output.status.success() {
        return Err(BuildError::Failed(output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let programs = messages.filter_map(|message| program(workspace, message));
    let mut programs: Vec<_> =
        programs.filter(|program| targets.contains(&program.package, &program.target)).collect();
    programs.sort_by(|one, other| (&one.package, &one.target).cmp(&(&other.package, &other.target)));
    Ok(programs)
}

fn program(workspace: &super::Workspace, message: Message) -> Option<TestProgram> {
    let (target, path) = (message.target?, message.executable?);
    let is_test = message.reason == "compiler-artifact"
        && message.profile.is_some_and(|profile| profile.test)
        && target.kind.iter().any(|kind| kind == "test");
    let package = workspace.packages.iter().find(|package| package.manifest_path == message.manifest_path)?;
    let folder = package.folder()?.to_owned();
    is_test.then(|| TestProgram { package: package.name.clone(), target: target.name, path, folder })
}
