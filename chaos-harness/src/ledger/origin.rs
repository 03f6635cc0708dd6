//! What started a run, and whether what it ran on counts for the default branch.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// An event's payload is a few kilobytes; one that is longer is none of GitHub's.
const LONGEST_PAYLOAD: u64 = 8 << 20;

/// What started a run, and on which branch: so far as the machine it is on says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// What started it: GitHub's name of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The full name of the branch or tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// The short name of the repository's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// The repository: `owner/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

/// What a run was on, where that is not the default branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// Something that nobody has merged yet.
    Unmerged {
        /// GitHub's name of the event.
        event: String,
    },
    /// Another branch, or a tag.
    OtherBranch {
        /// Its full name.
        git_ref: String,
        /// The short name of the default branch.
        default_branch: String,
    },
}

impl Origin {
    /// So far as GitHub says: `variable` is the environment's. Where a run is started by the clock, it is on the default
    /// branch, and the event's payload says nothing of that.
    pub fn of_github(variable: impl Fn(&str) -> Option<String>) -> Self {
        let said = |name| variable(name).filter(|value| !value.trim().is_empty());
        let payload = said("GITHUB_EVENT_PATH").and_then(|path| Payload::read(Path::new(&path)).ok());
        let default_branch = payload.and_then(|payload| payload.repository?.default_branch);
        Self {
            event: said("GITHUB_EVENT_NAME"),
            git_ref: said("GITHUB_REF"),
            default_branch: default_branch.filter(|name| !name.is_empty()),
            repository: said("GITHUB_REPOSITORY"),
        }
    }

    /// The event that started the run, where that is on something that nobody has merged yet: such a run goes by the ledger of
    /// its base, and changes none.
    #[must_use]
    pub fn unmerged(&self) -> Option<&str> {
        let event = self.event.as_deref()?;
        let is_unmerged = matches!(event, "pull_request" | "pull_request_target" | "merge_group")
            || self.git_ref.as_deref().is_some_and(is_proposed);
        is_unmerged.then_some(event)
    }

    /// What the run was on, where that is known not to be the default branch: it proves nothing of that. A machine that says
    /// nothing of branches is believed.
    #[must_use]
    pub fn elsewhere(&self) -> Option<Elsewhere> {
        if let Some(event) = self.unmerged() {
            return Some(Elsewhere::Unmerged { event: event.to_owned() });
        }
        let (git_ref, default_branch) = (self.git_ref.as_deref()?, self.default_branch.as_deref()?);
        (git_ref.strip_prefix("refs/heads/") != Some(default_branch)).then(|| Elsewhere::OtherBranch {
            git_ref: git_ref.to_owned(),
            default_branch: default_branch.to_owned(),
        })
    }
}

/// Whether GitHub made this ref for what is proposed: a pull request's, whatever happened to it, or the merge queue's.
fn is_proposed(git_ref: &str) -> bool {
    git_ref.starts_with("refs/pull/") || git_ref.starts_with("refs/heads/gh-readonly-queue/")
}

/// What is of interest in the payload of an event.
#[derive(Debug, Default, Deserialize)]
struct Payload {
    repository: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    default_branch: Option<String>,
}

impl Payload {
    fn read(path: &Path) -> io::Result<Self> {
        let mut text = Vec::new();
        File::open(path)?.take(LONGEST_PAYLOAD).read_to_end(&mut text)?;
        serde_json::from_slice(&text).map_err(io::Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_payload_says_the_default_branch_whatever_else_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.json");
        let branch = |text: &str| {
            fs::write(&path, text).unwrap();
            let path = path.to_str().unwrap().to_owned();
            let origin = Origin::of_github(|name| match name {
                "GITHUB_EVENT_PATH" => Some(path.clone()),
                "GITHUB_REF" => Some(" ".to_owned()),
                "GITHUB_EVENT_NAME" => Some("push".to_owned()),
                _ => None,
            });
            assert_eq!((origin.event.as_deref(), origin.git_ref), (Some("push"), None));
            origin.default_branch
        };
        assert_eq!(
            branch(r#"{"repository": {"default_branch": "trunk", "id": 1}, "sender": {}}"#).as_deref(),
            Some("trunk")
        );
        assert_eq!(branch(r#"{"repository": {"default_branch": ""}}"#), None);
        assert_eq!(branch("{}"), None);
        assert_eq!(branch("not JSON"), None);
    }
}
