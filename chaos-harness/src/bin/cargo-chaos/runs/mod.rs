//! What runs of experiments have, or have left, to be undone.

mod folder;

use crate::arguments::Runs as Arguments;
use crate::format::print;
use chaos_harness::safety::{InUse, Leftover, in_use, recover};
use folder::{FolderError, runs_folder};
use serde_json::json;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Why the command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunsError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("cannot read what runs left to be undone in {}", folder.display())]
    Read { folder: PathBuf, source: io::Error },
    #[error("{0} could not be undone, or understood: see above; the next run, or this command, tries again")]
    NotUndone(String),
    #[error("cannot write the answer")]
    Output(#[source] io::Error),
}

/// Shows what is in use, and what was left behind.
pub(crate) fn ps(arguments: &Arguments) -> Result<(), RunsError> {
    let folder = runs_folder(arguments.target_dir.as_deref())?;
    let found = in_use(&folder).map_err(|source| RunsError::Read { folder, source })?;
    print(&if arguments.json { format!("{:#}\n", json!(found)) } else { in_words(&found) })
        .map_err(RunsError::Output)
}

/// Undoes what was left behind.
pub(crate) fn recover_all(arguments: &Arguments) -> Result<(), RunsError> {
    let folder = runs_folder(arguments.target_dir.as_deref())?;
    let leftovers = recover(&folder).map_err(|source| RunsError::Read { folder, source })?;
    print(&if arguments.json { format!("{:#}\n", json!(leftovers)) } else { undone_in_words(&leftovers) })
        .map_err(RunsError::Output)?;
    let failed = leftovers.iter().map(|leftover| leftover.failures.len() + leftover.unreadable.len()).sum();
    match failed {
        0 => Ok(()),
        1 => Err(RunsError::NotUndone("1 thing".to_owned())),
        many => Err(RunsError::NotUndone(format!("{many} things"))),
    }
}

fn in_words(found: &[InUse]) -> String {
    if found.is_empty() {
        return "nothing is in use, and nothing was left behind\n".to_owned();
    }
    let mut text = String::new();
    for run in found {
        let state = match (run.process, run.guard) {
            _ if run.is_abandoned && run.open.is_empty() && run.unreadable.is_empty() => {
                "left to runs in the container that it was in".to_owned()
            }
            _ if run.is_abandoned => "left behind: `cargo chaos recover` undoes it".to_owned(),
            (Some(process), Some(guard)) => format!("process {process}, guard {guard}"),
            (Some(process), None) => format!("process {process}"),
            (None, Some(guard)) => format!("being undone by guard {guard}"),
            (None, None) => "being undone".to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "run {}: {state}", run.run);
        let of_others = run.elsewhere.iter().map(|open| (open, " (in another container)"));
        for (open, whose) in run.open.iter().map(|open| (open, "")).chain(of_others) {
            let trial = open.trial.as_deref().unwrap_or("no trial");
            let trial = trial.strip_prefix(&format!("{}/", run.run)).unwrap_or(trial);
            let intended = if open.is_applied { "" } else { " (may not have been done)" };
            let _ = writeln!(text, "  {trial}: {}{intended}{whose}", open.undo);
        }
        for line in &run.unreadable {
            let _ = writeln!(text, "  not understood in {}: {line}", run.undo_log.display());
        }
    }
    text
}

fn undone_in_words(leftovers: &[Leftover]) -> String {
    if leftovers.is_empty() {
        return "nothing was left behind\n".to_owned();
    }
    let lines: Vec<_> = leftovers.iter().map(ToString::to_string).collect();
    lines.join("\n") + "\n"
}
