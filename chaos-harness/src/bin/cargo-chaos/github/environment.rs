//! What GitHub says of the run, in variables, and in the payload of the event.

use crate::bounded;
use chaos_harness::ledger::Origin;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// An event's payload is a few kilobytes.
const LONGEST_PAYLOAD: usize = 8 << 20;

/// What GitHub says of the run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Github {
    /// Whether it is GitHub that runs this: else there is no one to take commands.
    pub(crate) is_running: bool,
    /// What started the workflow, and on which branch.
    pub(crate) origin: Origin,
    /// The run, over all its jobs.
    pub(crate) run: Option<String>,
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
            origin: Origin::of_github(&variable),
            run: said("GITHUB_RUN_ID"),
            base: said("GITHUB_BASE_REF"),
            payload: said("GITHUB_EVENT_PATH").map(PathBuf::from),
            output: of_step("GITHUB_OUTPUT"),
            summary: of_step("GITHUB_STEP_SUMMARY"),
            workspace: said("GITHUB_WORKSPACE").map(PathBuf::from),
        }
    }

    /// The branch that the change goes to, where this is one: a pull request, whatever happened to it, or a merge group.
    pub(crate) fn base(&self) -> Result<Option<String>, NoBase> {
        let Some(event) = &self.origin.event else { return Ok(None) };
        let base = match event.as_str() {
            "pull_request" | "pull_request_target" => {
                self.base.clone().ok_or_else(|| "GITHUB_BASE_REF is empty".to_owned())
            }
            "merge_group" => self.said_in_payload("/merge_group/base_ref"),
            _ if self.origin.unmerged().is_some() => self.said_in_payload("/pull_request/base/ref"),
            _ => return Ok(None),
        };
        base.map(Some).map_err(|why| NoBase { event: event.clone(), why })
    }

    /// A branch that the payload names.
    fn said_in_payload(&self, pointer: &str) -> Result<String, String> {
        let payload = self.payload.as_deref().unwrap_or(Path::new(""));
        let told = |why: String| format!("GITHUB_EVENT_PATH ({}) {why}", payload.display());
        let event = read(payload).map_err(told)?;
        let said = event.pointer(pointer).and_then(Value::as_str);
        let branch = said.map(|name| name.strip_prefix("refs/heads/").unwrap_or(name));
        let name = pointer.trim_start_matches('/').replace('/', ".");
        branch.map(str::to_owned).ok_or_else(|| told(format!("has no {name}")))
    }
}

/// What the payload of an event says.
fn read(payload: &Path) -> Result<Value, String> {
    let bytes =
        bounded::read(payload, LONGEST_PAYLOAD).map_err(|error| format!("cannot be read: {error}"))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("is not JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn told(variables: &[(&str, &str)]) -> Github {
        Github::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn files_of_a_step_are_only_written_where_github_runs() {
        let common = [("GITHUB_EVENT_NAME", "schedule"), ("GITHUB_OUTPUT", "/o"), ("GITHUB_WORKSPACE", "")];
        let with = |is_running| told(&[&common[..], &[("GITHUB_ACTIONS", is_running)]].concat());
        let github = with("true");
        assert_eq!((github.output, github.summary, github.workspace), (Some("/o".into()), None, None));
        assert_eq!(told(&common).base().unwrap(), None);
        let elsewhere = with("false");
        assert_eq!((elsewhere.is_running, elsewhere.output), (false, None));
    }

    #[test]
    fn a_change_says_its_base_or_is_refused() {
        let pull_request =
            |base| told(&[("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", base)]).base();
        assert_eq!(pull_request("main").unwrap().as_deref(), Some("main"));
        assert!(pull_request("").unwrap_err().to_string().contains("GITHUB_BASE_REF is empty"));

        let folder = tempfile::tempdir().unwrap();
        let payload = folder.path().join("event.json");
        let merge_group = |text: &str| {
            fs::write(&payload, text).unwrap();
            told(&[("GITHUB_EVENT_NAME", "merge_group"), ("GITHUB_EVENT_PATH", payload.to_str().unwrap())])
                .base()
        };
        let group = merge_group(r#"{"merge_group": {"base_ref": "refs/heads/release/2"}}"#).unwrap();
        assert_eq!(group.as_deref(), Some("release/2"));
        for (text, why) in [("{}", "no merge_group.base_ref"), ("x", "is not JSON")] {
            let error = merge_group(text).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("its own is not read"), "{error}");
        }

        // Whatever else happens to a pull request runs on what it proposes, too.
        fs::write(&payload, r#"{"pull_request": {"base": {"ref": "main"}}}"#).unwrap();
        let review = |git_ref| {
            told(&[
                ("GITHUB_EVENT_NAME", "pull_request_review"),
                ("GITHUB_EVENT_PATH", payload.to_str().unwrap()),
                ("GITHUB_REF", git_ref),
            ])
        };
        assert_eq!(review("refs/pull/7/merge").base().unwrap().as_deref(), Some("main"));
        assert_eq!(review("refs/heads/main").base().unwrap(), None);
    }
}
