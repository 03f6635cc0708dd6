//! Git, in a repository of its own that is thrown away, and in an environment that says nothing of another one.

use super::super::temporary::TemporaryFolder;
use super::GitError;
use super::token::{Token, user_of};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

/// Who recorded it.
const NAME: &str = "chaos-recorder";
pub(super) const EMAIL: &str = "chaos-recorder@users.noreply.invalid";

/// What holds whatever the user set: nothing of a repository is run, and nothing is done but what is asked.
const SETTINGS: [(&str, &str); 8] = [
    ("core.hooksPath", "/dev/null"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.followTags", "false"),
    // A server that says nothing for so long will say nothing.
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "60"),
];

/// Variables that say how servers are reached and who the user is; all others of git's are about some repository.
const KEPT: [&str; 11] = [
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP_USER_AGENT",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
];

/// A bare repository in a folder of its own.
#[derive(Debug)]
pub(super) struct Git {
    folder: TemporaryFolder,
    settings: Vec<(String, String)>,
    secrets: Vec<String>,
}

/// What git said, where it failed.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) output: String,
    pub(super) errors: String,
}

impl Git {
    /// A new repository, for one remote.
    pub(super) fn new(url: &str, token: Option<&Token>) -> Result<Self, GitError> {
        let mut settings: Vec<_> =
            SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut secrets: Vec<_> = user_of(url).map(str::to_owned).into_iter().collect();
        if let Some(token) = token {
            settings.push(token.setting(url)?);
            secrets.extend(token.secrets().map(str::to_owned));
        }
        let git = Self { folder: TemporaryFolder::new().map_err(GitError::Folder)?, settings, secrets };
        git.run(["init", "--quiet", "--bare", "--template="])?;
        Ok(git)
    }

    /// A folder for files, with nothing in it.
    pub(super) fn empty_folder(&self, name: &str) -> Result<PathBuf, GitError> {
        let path = self.folder(name);
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(GitError::Write { path, source }),
            _ => Ok(path),
        }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command that is expected to do what it is asked, and returns what it says.
    pub(super) fn run(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<String, GitError> {
        let output = self.feed(arguments, &[])?;
        Ok(String::from_utf8_lossy(&output).trim_end().to_owned())
    }

    /// The same, with something to read, and something that need not be text to say.
    pub(super) fn feed(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: &[u8],
    ) -> Result<Vec<u8>, GitError> {
        self.attempt(arguments, input)?.map_err(|said| GitError::Failed(said.errors))
    }

    /// Runs a command that may fail: what it said then is the caller's affair.
    pub(super) fn attempt(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: &[u8],
    ) -> Result<Result<Vec<u8>, Said>, GitError> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(GitError::Missing)?;
        let stdin = child.stdin.take();
        // Beside reading what it says: either may wait for the other. A command that failed has not read all.
        let output = thread::scope(|scope| {
            scope.spawn(|| stdin.map_or(Ok(()), |mut stdin| stdin.write_all(input)));
            child.wait_with_output()
        });
        let output = output.map_err(GitError::Missing)?;
        if output.status.success() {
            return Ok(Ok(output.stdout));
        }
        let text = |bytes: &[u8]| self.without_secrets(String::from_utf8_lossy(bytes).trim());
        Ok(Err(Said { output: text(&output.stdout), errors: text(&output.stderr) }))
    }

    fn command(&self) -> Command {
        let mut command = plain();
        command.env("GIT_DIR", self.folder("git")).env("GIT_INDEX_FILE", self.folder("index"));
        // In no other repository.
        command.current_dir(self.folder.path());
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), NAME).env(format!("GIT_{role}_EMAIL"), EMAIL);
        }
        // In the environment, which only this user reads. Ours come last, and win.
        let given = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse::<usize>().ok());
        let first = given.unwrap_or(0);
        for (index, (name, value)) in (first..).zip(&self.settings) {
            command
                .env(format!("GIT_CONFIG_KEY_{index}"), name)
                .env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        command.env("GIT_CONFIG_COUNT", (first + self.settings.len()).to_string());
        command
    }

    fn without_secrets(&self, text: &str) -> String {
        let secrets = self.secrets.iter().filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[redacted]"))
    }
}

/// Git as the user has it, and about no certain repository.
pub(super) fn plain() -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_kept = KEPT.contains(&text.as_ref())
            || ["GIT_SSL_", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"]
                .iter()
                .any(|start| text.starts_with(start));
        if text.starts_with("GIT_") && !is_kept {
            command.env_remove(&name);
        }
    }
    // Nobody is there to answer, and what it says is read here.
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").env_remove("LANGUAGE");
    command.stdin(Stdio::null());
    command
}
