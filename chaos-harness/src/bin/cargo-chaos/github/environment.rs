//! What GitHub says of the run, in variables, and in the payload of the event.

use crate::bounded;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// An event's payload is a few kilobytes.
const LONGEST_PAYLOAD: usize = 8 << 20;

/// What GitHub says of the run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Github {
    /// Whether it is GitHub that runs this: else there is no one to take commands.
    pub(crate) is_running: bool,
    /// What started the workflow: `pull_request`, `schedule`.
    pub(crate) event: Option<String>,
    /// The branch that a pull request goes to.
    base: Option<String>,
    /// The file with what there is to say of the event.
    payload: Option<PathBuf>,
    /// The file that takes the outputs of the step.
    pub(crate) output: Option<PathBuf>,
    /// The file that takes the job's summary.
    pub(crate) summary: Option<PathBuf>,
    /// Where the repository is checked out.
    pub(crate) workspace: Option<PathBuf>,
}

/// GitHub does not say what a change goes to.
#[derive(Debug, thiserror::Error)]
#[error(
    "this is a change (`{event}`), and {why}: the ledger of its base cannot be found, and its own is not read"
)]
pub(crate) struct NoBase {
    event: String,
    why: String,
}

impl Github {
    pub(crate) fn from_env() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let said = |name| variable(name).filter(|value| !value.is_empty());
        let is_running = said("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        let of_step = |name| said(name).filter(|_| is_running).map(PathBuf::from);
        Self {
            is_running,
            event: said("GITHUB_EVENT_NAME"),
            base: said("GITHUB_BASE_REF"),
            payload: said("GITHUB_EVENT_PATH").map(PathBuf::from),
            output: of_step("GITHUB_OUTPUT"),
            summary: of_step("GITHUB_STEP_SUMMARY"),
            workspace: said("GITHUB_WORKSPACE").map(PathBuf::from),
        }
    }

    /// The branch that the change goes to, where this is one: a pull request, or a merge group.
    pub(crate) fn base(&self) -> Result<Option<String>, NoBase> {
        let Some(event) = &self.event else { return Ok(None) };
        let base = match event.as_str() {
            "pull_request" | "pull_request_target" => {
                self.base.clone().ok_or_else(|| "GITHUB_BASE_REF is empty".to_owned())
            }
            "merge_group" => base_of_group(self.payload.as_deref().unwrap_or(Path::new(""))),
            _ => return Ok(None),
        };
        base.map(Some).map_err(|why| NoBase { event: event.clone(), why })
    }
}

fn base_of_group(payload: &Path) -> Result<String, String> {
    let told = |why: String| format!("GITHUB_EVENT_PATH ({}) {why}", payload.display());
    let bytes =
        bounded::read(payload, LONGEST_PAYLOAD).map_err(|error| told(format!("cannot be read: {error}")))?;
    let event: Value =
        serde_json::from_slice(&bytes).map_err(|error| told(format!("is not JSON: {error}")))?;
    let base = event["merge_group"]["base_ref"].as_str().and_then(|base| base.strip_prefix("refs/heads/"));
    base.map(str::to_owned).ok_or_else(|| told("has no merge_group.base_ref".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(variables: &[(&str, &str)]) -> Github {
        Github::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn files_of_a_step_are_only_written_where_github_runs() {
        let common = [("GITHUB_EVENT_NAME", "schedule"), ("GITHUB_OUTPUT", "/o"), ("GITHUB_WORKSPACE", "")];
        let with = |is_running| read(&[&common[..], &[("GITHUB_ACTIONS", is_running)]].concat());
        let github = with("true");
        assert_eq!((github.output, github.summary, github.workspace), (Some("/o".into()), None, None));
        assert_eq!(read(&common).base().unwrap(), None);
        let elsewhere = with("false");
        assert_eq!((elsewhere.is_running, elsewhere.output), (false, None));
    }

    #[test]
    fn a_change_says_its_base_or_is_refused() {
        let pull_request =
            |base| read(&[("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", base)]).base();
        assert_eq!(pull_request("main").unwrap().as_deref(), Some("main"));
        assert!(pull_request("").unwrap_err().to_string().contains("GITHUB_BASE_REF is empty"));

        let folder = tempfile::tempdir().unwrap();
        let payload = folder.path().join("event.json");
        let merge_group = |text: &str| {
            fs::write(&payload, text).unwrap();
            read(&[("GITHUB_EVENT_NAME", "merge_group"), ("GITHUB_EVENT_PATH", payload.to_str().unwrap())])
                .base()
        };
        let group = merge_group(r#"{"merge_group": {"base_ref": "refs/heads/release/2"}}"#).unwrap();
        assert_eq!(group.as_deref(), Some("release/2"));
        for (text, why) in [("{}", "no merge_group.base_ref"), ("x", "is not JSON")] {
            let error = merge_group(text).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("its own is not read"), "{error}");
        }
    }
}
