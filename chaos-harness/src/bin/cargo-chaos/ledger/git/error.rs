//! Why a ledger in a repository could not be read or written.

use super::token::TokenError;
use chaos_harness::ledger::LedgerError;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    #[error("git cannot be run: the ledger in a repository needs it")]
    Missing(#[source] io::Error),
    #[error("no folder for a copy of the ledger can be made in {}", std::env::temp_dir().display())]
    Folder(#[source] io::Error),
    #[error("the repository here has no remote `{0}`: give one's name, or an address, with --remote")]
    NoSuchRemote(String),
    #[error("`{0}` is not the name of a branch")]
    BranchName(String),
    #[error("`{0}` is not a folder in a repository: write it from the root, as in chaos/ledger")]
    Path(String),
    #[error(
        "--push and --base are both `{0}`: the branch that is pushed to is made anew each time, and needs a name of its own"
    )]
    OwnBase(String),
    #[error(
        "the branch `{branch}` of {remote} has other things than a ledger: name one that has nothing else, or propose with \
         --base and --path what is in a folder of a branch"
    )]
    NotALedger { branch: String, remote: String },
    #[error("{remote} has no branch `{branch}`, which --base names")]
    NoBase { remote: String, branch: String },
    #[error(
        "the branch `{branch}` of {remote} is not only the recorder's: its newest commit is by {author}. It would be \
         made anew: give another branch with --push"
    )]
    NotOurs { branch: String, remote: String, author: String },
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("git failed: {0}")]
    Failed(String),
    #[error("what git says of the files of a ledger cannot be understood")]
    Garbled,
    #[error("{} is not empty: name a folder that is, or is not there", .0.display())]
    NotEmpty(PathBuf),
    #[error("{} cannot be written", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot fetch from {remote}: {said}{}", hint(said))]
    Fetch { remote: String, said: String },
    #[error("cannot push `{branch}` to {remote}: {said}{}", hint(said))]
    Push { branch: String, remote: String, said: String },
    #[error(
        "other recorders were faster {tries} times, and `{branch}` of {remote} was never the same long enough: record \
         again, with fewer of them at once"
    )]
    Outrun { branch: String, remote: String, tries: u32 },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl GitError {
    /// Whether the command line asks for what there cannot be.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoSuchRemote(_)
                | Self::BranchName(_)
                | Self::Path(_)
                | Self::OwnBase(_)
                | Self::NotALedger { .. }
                | Self::NotEmpty(_)
                | Self::Token(TokenError::Unprotected(_))
        )
    }
}

/// What can be done about it, where git's words say what it is.
fn hint(said: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&["GH006", "GH013", "protected branch", "hook declined", "rule violations"]) {
        return "\nrules of this branch keep the recorder from pushing: let it through there, or push to another branch";
    }
    if says(&["terminal prompts disabled", "Authentication failed", "could not read Username", "401"]) {
        return "\nit asks who this is: name the variable that holds a token with --token-env";
    }
    if says(&["403", "ermission", "denied", "not permitted", "not authorized", "unable to create"]) {
        return "\nthe recorder needs write permission: on GitHub, `permissions: contents: write` of its job; runs of forks \
                never have it";
    }
    ""
}
