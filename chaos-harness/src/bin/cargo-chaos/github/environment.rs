//! What GitHub says of the run, in variables.

use std::path::PathBuf;

/// What GitHub says of the run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Github {
    /// Whether it is GitHub that runs this: else there is no one to take commands.
    pub(crate) is_running: bool,
    /// What started the workflow: `pull_request`, `schedule`.
    pub(crate) event: Option<String>,
    /// The file that takes the outputs of the step.
    pub(crate) output: Option<PathBuf>,
    /// The file that takes the job's summary.
    pub(crate) summary: Option<PathBuf>,
    /// Where the repository is checked out.
    pub(crate) workspace: Option<PathBuf>,
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
            output: of_step("GITHUB_OUTPUT"),
            summary: of_step("GITHUB_STEP_SUMMARY"),
            workspace: said("GITHUB_WORKSPACE").map(PathBuf::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_step_are_only_written_where_github_runs() {
        let read = |is_running: &'static str| {
            Github::from_variables(move |name| match name {
                "GITHUB_ACTIONS" => Some(is_running.to_owned()),
                "GITHUB_EVENT_NAME" => Some("schedule".to_owned()),
                "GITHUB_OUTPUT" => Some("/o".to_owned()),
                "GITHUB_WORKSPACE" => Some(String::new()),
                _ => None,
            })
        };
        let github = read("true");
        assert_eq!((github.output, github.summary, github.workspace), (Some("/o".into()), None, None));
        assert_eq!(github.event.as_deref(), Some("schedule"));
        let elsewhere = read("false");
        assert_eq!((elsewhere.is_running, elsewhere.output), (false, None));
    }
}
