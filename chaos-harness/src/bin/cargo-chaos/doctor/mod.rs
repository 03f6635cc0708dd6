//! `cargo chaos doctor`: what will and will not work on this machine, and how to mend it. Each probe is a real one, and each
//! has a time limit.

mod arguments;
mod check;
mod engine;
mod experiments;
mod kernel;
mod leftovers;
mod limits;
mod tools;

pub(crate) use arguments::Doctor;

use crate::cargo::Workspace;
use crate::outcome::{Failure, Outcome};
use check::Check;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

/// All that was looked at, for programs.
#[derive(Serialize)]
struct Report<'a> {
    /// Whether the workspace's experiments have what they need.
    ready: bool,
    checks: &'a [Check],
}

/// Looks at this machine.
pub(crate) fn doctor(arguments: &Doctor) -> Result<Outcome, Failure> {
    let workspace = Workspace::current().ok();
    let (experiments, mut images) = experiments::experiments(workspace.as_ref(), arguments.no_build);
    images.extend(arguments.images.iter().cloned());
    let checks = checks(workspace.as_ref(), &images, &arguments.images, experiments);
    let ready = !checks.iter().any(Check::is_in_the_way);
    arguments.format.format.print(&Report { ready, checks: &checks }, || check::in_words(&checks))?;
    Ok(if ready { Outcome::Done } else { Outcome::CouldNotRun })
}

fn checks(
    workspace: Option<&Workspace>,
    images: &BTreeSet<String>,
    needed: &[String],
    experiments: Vec<Check>,
) -> Vec<Check> {
    let target = workspace.map_or(Path::new("."), |workspace| workspace.target_directory.as_path());
    let mut checks = engine::engine();
    checks.extend(engine::images(images, needed));
    checks.extend([
        kernel::privileges(),
        kernel::netem(),
        kernel::cgroups(),
        limits::descriptors(),
        limits::ports(),
        tools::nextest(),
        tools::git(),
        limits::space(target),
        limits::clock(),
    ]);
    checks.extend(workspace.map(|workspace| leftovers::leftovers(&workspace.runs())));
    checks.extend(experiments);
    checks
}
