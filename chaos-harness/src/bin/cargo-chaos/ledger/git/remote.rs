//! Which repository a ledger is in.

use super::GitError;
use super::command::{Git, plain};
use super::token::{Token, without_user};
use std::path::Path;

/// A repository to fetch from and push to.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) url: String,
    git: Git,
}

impl Remote {
    /// The remote of the repository in this folder that has this name, or the one at this address.
    pub(super) fn find(name_or_url: &str, token: Option<&Token>) -> Result<Self, GitError> {
        let url = match named(name_or_url)? {
            Some(url) => url,
            None if name_or_url.contains(['/', ':']) => from_here(name_or_url, Path::new(".")),
            None => return Err(GitError::NoSuchRemote(name_or_url.to_owned())),
        };
        Ok(Self { git: Git::new(&url, token)?, url })
    }

    pub(super) fn git(&self) -> &Git {
        &self.git
    }

    /// Its address, as it may be shown.
    pub(super) fn shown(&self) -> String {
        without_user(&self.url)
    }

    /// The newest commit of a branch, which is fetched under this name; `None` where there is no such branch.
    pub(super) fn fetch(&self, branch: &str, name: &str) -> Result<Option<String>, GitError> {
        let refspec = format!("+refs/heads/{branch}:{name}");
        let fetch = [
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-write-fetch-head",
            "--",
            &self.url,
            &refspec,
        ];
        match self.git.attempt(fetch, &[])? {
            Ok(_) => Ok(Some(self.git.run(["rev-parse", "--verify", name])?)),
            Err(said) if said.errors.contains("couldn't find remote ref") => Ok(None),
            Err(said) => Err(GitError::Fetch { remote: self.shown(), said: said.errors }),
        }
    }
}

/// What the repository in this folder calls so, where there is one.
fn named(name: &str) -> Result<Option<String>, GitError> {
    let Some(url) = ask(&["remote", "get-url", "--push", "--", name])? else { return Ok(None) };
    let top = ask(&["rev-parse", "--show-toplevel"])?;
    Ok(Some(from_here(&url, Path::new(top.as_deref().unwrap_or(".")))))
}

/// An address that means the same in every folder: paths are relative to this one.
fn from_here(url: &str, folder: &Path) -> String {
    let before_path = url.split('/').next().unwrap_or_default();
    if before_path.contains(':') {
        return url.to_owned();
    }
    let path = folder.join(url);
    std::path::absolute(&path).unwrap_or(path).display().to_string()
}

/// What git says of the repository in this folder; nothing where it cannot.
fn ask(arguments: &[&str]) -> Result<Option<String>, GitError> {
    let output = plain().args(arguments).output().map_err(GitError::Missing)?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Some(said).filter(|said| output.status.success() && !said.is_empty()))
}

/// Whether git takes this for the name of a branch.
pub(super) fn check_branch(branch: &str) -> Result<(), GitError> {
    let mut command = plain();
    let checked = command.args(["check-ref-format", &format!("refs/heads/{branch}")]).status();
    if checked.map_err(GitError::Missing)?.success() {
        return Ok(());
    }
    Err(GitError::BranchName(branch.to_owned()))
}
