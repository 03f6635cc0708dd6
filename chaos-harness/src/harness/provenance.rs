//! What is tested, and in which run of CI: what the environment of GitHub Actions says, and git where it says nothing.

use super::folder::RunId;
use crate::ledger::{Attempt, RunRef};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;

/// Where the trials of this process come from.
#[derive(Debug)]
pub(super) struct Provenance {
    workspace: PathBuf,
    /// Asked for once.
    commit: Arc<OnceLock<Commit>>,
}

/// What was built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Commit {
    /// Its full id, where there is one.
    pub(super) id: Option<String>,
    /// Whether there were changes beside it.
    pub(super) dirty: bool,
}

impl Provenance {
    pub(super) fn new(workspace: &Path) -> Self {
        Self { workspace: workspace.to_owned(), commit: Arc::default() }
    }

    /// Asks for the commit beside what else there is to do: git looks at every file.
    pub(super) fn prepare(&self) {
        let (workspace, commit) = (self.workspace.clone(), Arc::clone(&self.commit));
        // Where there is no thread for it, it is asked for when it is needed.
        drop(thread::Builder::new().spawn(move || {
            commit.get_or_init(|| Commit::look(&workspace));
        }));
    }

    /// What was built.
    pub(super) fn commit(&self) -> &Commit {
        self.commit.get_or_init(|| Commit::look(&self.workspace))
    }
}

impl Commit {
    fn look(workspace: &Path) -> Self {
        if let Some(id) = said("GITHUB_SHA") {
            return Self { id: Some(id), dirty: false };
        }
        Self::of_git(workspace).unwrap_or_default()
    }

    /// `None` where there is no repository, no commit, or no git.
    fn of_git(workspace: &Path) -> Option<Self> {
        let mut git = Command::new("git");
        git.args(["describe", "--always", "--abbrev=40", "--dirty", "--exclude", "*"]).current_dir(workspace);
        // It is only asked: it waits for no one, and writes nothing.
        git.env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null()).stderr(Stdio::null());
        let output = git.output().ok().filter(|output| output.status.success())?;
        let text = String::from_utf8(output.stdout).ok()?;
        let text = text.trim();
        let (id, dirty) = text.strip_suffix("-dirty").map_or((text, false), |id| (id, true));
        let is_id = id.len() >= 40 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_id.then(|| Self { id: Some(id.to_owned()), dirty })
    }
}

/// The run that this process is part of, over all its jobs and shards: as the user says, as GitHub does, or the process's
/// own.
pub(super) fn run(named: Option<&str>, own: &RunId) -> RunRef {
    let github = said("GITHUB_RUN_ID");
    let url = github.as_ref().and_then(|id| {
        let (server, repository) = (said("GITHUB_SERVER_URL")?, said("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{id}"))
    });
    RunRef { id: named.map(str::to_owned).or(github).unwrap_or_else(|| own.to_string()), url }
}

/// Which attempt at the run this is, and at the trial in it.
pub(super) fn attempt() -> Attempt {
    let number = |name| said(name).and_then(|number| number.parse().ok()).filter(|number| *number > 0);
    Attempt { run: number("GITHUB_RUN_ATTEMPT").unwrap_or(1), trial: number("NEXTEST_ATTEMPT").unwrap_or(1) }
}

fn said(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn git(folder: &Path, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(arguments).current_dir(folder);
        let output = git.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn the_commit_and_what_was_changed_since_are_git_s() {
        let folder = tempfile::tempdir().unwrap();
        let look = || Commit::of_git(folder.path());
        assert_eq!(look(), None, "there is no repository");
        git(folder.path(), &["init", "-q"]);
        assert_eq!(look(), None, "there is no commit");
        fs::write(folder.path().join("file"), "a").unwrap();
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["commit", "-q", "-m", "one"]);
        // A tag is another name for it, and not what is asked for.
        git(folder.path(), &["tag", "-a", "v1", "-m", "v1"]);
        let clean = look().unwrap();
        assert_eq!((clean.id.as_ref().unwrap().len(), clean.dirty), (40, false));
        fs::write(folder.path().join("file"), "b").unwrap();
        assert_eq!(look(), Some(Commit { dirty: true, ..clean }));
    }
}
