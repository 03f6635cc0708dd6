//! `cargo chaos init`: experiments in a crate that has none.

mod arguments;
mod manifest;
mod nextest;
mod plan;

pub(crate) use arguments::Init;

use crate::cargo::{Package, Workspace, WorkspaceError};
use crate::outcome::{Failure, Outcome};
use crate::table::Table;
use arguments::LedgerPlace;
use manifest::{ManifestError, Origin, way};
use nextest::NextestError;
use plan::{Change, Plan};
use serde::Serialize;
use std::env;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// What the workflows use: a release, by its hash.
const REPOSITORY: &str = "chaos-harness/chaos-harness";
/// The name of that release.
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));
/// Filled in when a release is made: no file can name the commit that it is part of.
const HASH: &str = "0000000000000000000000000000000000000000";

/// Why there are no experiments.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    #[error("{0}\nrun this in a crate; `cargo new` makes one")]
    NoCrate(WorkspaceError),
    #[error("this workspace has no package of its own here: name one with -p, of {}", .0.join(", "))]
    NoPackage(Vec<String>),
    #[error("the workspace has no package `{name}`: it has {}", known.join(", "))]
    UnknownPackage { name: String, known: Vec<String> },
    #[error("no chaos-harness is in {}: give the folder with its Cargo.toml", .0.display())]
    NoHarness(PathBuf),
    #[error("{}: {source}", file.display())]
    Manifest { file: PathBuf, source: ManifestError },
    #[error("{}: {source}", file.display())]
    Nextest { file: PathBuf, source: NextestError },
    #[error("cannot read {}", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("cannot write {}", file.display())]
    Write { file: PathBuf, source: io::Error },
}

/// What was done, for programs.
#[derive(Serialize)]
struct Done<'a> {
    package: &'a str,
    changes: &'a [Change],
}

/// Adds experiments to a package. Nothing is written unless all can be.
pub(crate) fn init(arguments: &Init) -> Result<Outcome, Failure> {
    let workspace = Workspace::current().map_err(|error| Failure::usage(InitError::NoCrate(error)))?;
    let package = package(&workspace, arguments.package.as_deref()).map_err(Failure::usage)?;
    let plan = plan(&workspace, package, arguments)?;
    plan.carry_out()?;
    let done = Done { package: &package.name, changes: &plan.changes };
    arguments.format.format.print(&done, || in_words(&plan, &workspace, package))?;
    Ok(Outcome::Done)
}

fn package<'a>(workspace: &'a Workspace, name: Option<&str>) -> Result<&'a Package, InitError> {
    let known = || workspace.packages.iter().map(|package| package.name.clone()).collect();
    match name {
        Some(name) => workspace
            .packages
            .iter()
            .find(|package| package.name == name)
            .ok_or_else(|| InitError::UnknownPackage { name: name.to_owned(), known: known() }),
        None => env::current_dir()
            .ok()
            .and_then(|here| workspace.package_at(&here))
            .ok_or_else(|| InitError::NoPackage(known())),
    }
}

fn plan(workspace: &Workspace, package: &Package, arguments: &Init) -> Result<Plan, InitError> {
    let folder = package.manifest_path.parent().unwrap_or(&workspace.root);
    let root = workspace.root.as_path();
    let mut plan = Plan::new(root, arguments.force);

    let origin = origin(folder, arguments)?;
    let file = package.manifest_path.clone();
    let text = Plan::read(&file)?.unwrap_or_default();
    let (manifest, added) = manifest::with_experiments(&text, &origin)
        .map_err(|source| InitError::Manifest { file: file.clone(), source })?;
    plan.change(file, manifest, &text, &added.join(", "));

    // A program of several files is one, too.
    if !folder.join("tests/chaos/main.rs").is_file() {
        plan.make(folder.join("tests/chaos.rs"), include_str!("templates/chaos.rs"))?;
    }
    plan.make(root.join("chaos.toml"), include_str!("templates/chaos.toml"))?;

    let file = root.join(".config/nextest.toml");
    match Plan::read(&file)? {
        None => plan.make(file, nextest::TEMPLATE)?,
        Some(text) => {
            let merged = nextest::with_group(&text)
                .map_err(|source| InitError::Nextest { file: file.clone(), source })?;
            let merged = merged.unwrap_or_else(|| text.clone());
            plan.change(file, merged, &text, "the group of experiments");
        }
    }

    let workflow = |template: &str| {
        let filled = template.replace("{REPOSITORY}", REPOSITORY).replace("{HASH}", HASH);
        filled.replace("{VERSION}", VERSION).replace("{LEDGER}", arguments.ledger.word())
    };
    let workflows = root.join(".github/workflows");
    plan.make(workflows.join("chaos.yml"), &workflow(include_str!("templates/gate.yml")))?;
    plan.make(workflows.join("chaos-nightly.yml"), &workflow(include_str!("templates/nightly.yml")))?;
    if arguments.ledger == LedgerPlace::Tree {
        plan.make(root.join("chaos/ledger/README.md"), include_str!("templates/ledger.md"))?;
    }
    Ok(plan)
}

fn origin(package: &Path, arguments: &Init) -> Result<Origin, InitError> {
    if let Some(url) = &arguments.git {
        return Ok(Origin::Git(url.clone()));
    }
    let Some(path) = &arguments.path else {
        return Ok(Origin::Version(env!("CARGO_PKG_VERSION").to_owned()));
    };
    let absolute = path.canonicalize().map_err(|_| InitError::NoHarness(path.clone()))?;
    // A checkout of the repository has it in a folder of its own.
    let found = [absolute.join("chaos-harness"), absolute].into_iter().find(|folder| is_harness(folder));
    let found = found.ok_or_else(|| InitError::NoHarness(path.clone()))?;
    Ok(Origin::Path(way(&package.canonicalize().unwrap_or_else(|_| package.to_owned()), &found)))
}

fn is_harness(folder: &Path) -> bool {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    manifest.parse::<toml_edit::DocumentMut>().is_ok_and(|manifest| {
        manifest.get("package").and_then(|package| package.get("name")?.as_str()) == Some("chaos-harness")
    })
}

fn in_words(plan: &Plan, workspace: &Workspace, package: &Package) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for change in &plan.changes {
        let _ = writeln!(text, "{change}");
    }
    if plan.changes.iter().all(|change| !change.is_written()) {
        return text + "\nnothing to do: the experiments are there\n";
    }
    let package = if workspace.packages.len() > 1 { format!(" -p {}", package.name) } else { String::new() };
    let mut next = Table::new(&["next:", ""]);
    next.row([&format!("  cargo test{package} --test chaos"), "runs the sample"].map(str::to_owned));
    next.row(["  cargo chaos list", "shows its stages, and which one is earned"].map(str::to_owned));
    next.row(["  cargo chaos doctor", "says what will work on this machine"].map(str::to_owned));
    let _ = write!(text, "\n{}", next.text());
    if !workspace.root.join(".git").exists() {
        let _ = writeln!(text, "\nGitHub takes workflows only from .github at the root of a repository");
    }
    text
}
