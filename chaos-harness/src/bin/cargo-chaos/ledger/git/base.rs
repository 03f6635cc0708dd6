//! The ledger as the base of a pull request has it, wherever the change under test comes from.

use super::GitError;
use super::remote::{Remote, check_branch};
use super::token::Token;
use super::tree::{Needed, Prefix};
use crate::ledger::by_events::go_by_events;
use serde::Serialize;
use std::fs;
use std::path::Path;

/// Where the base has its ledger.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// On a branch that has nothing else.
    Branch { branch: String },
    /// In a folder of the base.
    Tree { base: String, path: String },
}

/// What was fetched.
#[derive(Debug, Serialize)]
pub(crate) struct Fetched {
    /// The commit it is of, where there is one.
    pub(crate) commit: Option<String>,
    /// Why there is nothing in it.
    pub(crate) note: Option<String>,
}

/// Fetches it into a folder that is empty, or not there. No ledger is an empty one, with a note.
pub(crate) fn fetch(
    remote: &str,
    token_env: Option<&str>,
    source: &Source,
    folder: &Path,
) -> Result<Fetched, GitError> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(GitError::NotEmpty(folder.to_owned()));
    }
    let token = token_env.map(Token::from_env).transpose()?;
    let remote = Remote::find(remote, token.as_ref())?;
    let (branch, prefix) = match source {
        Source::Branch { branch } => (branch, Prefix::default()),
        Source::Tree { base, path } => (base, Prefix::new(path)?),
    };
    check_branch(branch)?;
    let git = remote.git();
    let commit = remote.fetch(branch, "refs/chaos/base")?;
    let note = match &commit {
        None => Some(format!("{} has no branch `{branch}`", remote.shown())),
        Some(commit) => match git.tree_at(commit, &prefix)? {
            Some(_) => None,
            None => Some(format!("`{branch}` of {} has no folder `{}`", remote.shown(), prefix.folder())),
        },
    };
    git.start_from(commit.as_deref())?;
    go_by_events(&git.ledger(&prefix, &Needed::All, folder)?)?;
    Ok(Fetched { commit, note })
}
