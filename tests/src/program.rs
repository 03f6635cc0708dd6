//! Running a test program as a process, in an environment that says only what the test says.

use chaos_harness::ledger::Evidence;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A test program about to be run. Results go to a folder of its own.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    folder: TempDir,
    variables: Vec<(OsString, OsString)>,
}

/// What a test program did.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Outcome {
    /// The lines of its standard output.
    #[must_use]
    pub fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }
}

impl Program {
    /// The program at this path, which is to find the echo server at that one.
    pub fn new(path: impl Into<PathBuf>, echo_server: impl Into<OsString>) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let variables = vec![
            ("CHAOS_TARGET_DIR".into(), folder.path().into()),
            ("CARGO_BIN_EXE_echo-server".into(), echo_server.into()),
            // No engine, whatever the machine has.
            ("DOCKER_HOST".into(), "unix:///nonexistent/docker.sock".into()),
        ];
        Ok(Self { path: path.into(), folder, variables })
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The folder for its results.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command that runs it.
    #[must_use]
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.path);
        // Where no settings are but its own.
        command.args(arguments).current_dir(self.folder());
        isolate(&mut command);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to its end.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> io::Result<Outcome> {
        outcome(&mut self.command(arguments))
    }

    /// Starts it, without reading what it says.
    pub fn spawn<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> io::Result<Running> {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Running(command.spawn()?))
    }

    /// The folders of the trials that it ran, by their names.
    pub fn trials(&self) -> io::Result<Vec<PathBuf>> {
        let latest = self.folder().join("chaos/latest");
        let entries = fs::read_dir(latest)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        // Evidence for the ledger lies in folders beside them.
        let mut trials: Vec<_> =
            entries.into_iter().filter(|path| path.join("journal.jsonl").is_file()).collect();
        trials.sort();
        Ok(trials)
    }

    /// What its trials left for the ledger.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        let gathered = Evidence::read_all(&self.folder().join("chaos"));
        gathered.evidence.into_iter().map(|(_, evidence)| evidence).collect()
    }

    /// Writes its `chaos.toml`.
    pub fn settings(&self, text: &str) -> io::Result<()> {
        fs::write(self.folder().join("chaos.toml"), text)
    }

    /// The echo servers that were started for this program and are there: their process ids.
    pub fn servers(&self) -> io::Result<Vec<i32>> {
        servers(self.folder())
    }
}

/// The echo servers that were started with results in this folder, and are there: their process ids.
pub fn servers(folder: &Path) -> io::Result<Vec<i32>> {
    let mark = folder.as_os_str().as_encoded_bytes();
    let mut servers = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let process = entry?.path();
        let Some(id) = process.file_name().and_then(OsStr::to_str).and_then(|id| id.parse().ok()) else {
            continue;
        };
        // A process may end while it is looked at.
        let read = |file: &str| fs::read(process.join(file)).unwrap_or_default();
        let is_server = read("cmdline").windows(11).any(|part| part == b"echo-server");
        if is_server && read("environ").windows(mark.len()).any(|part| part == mark) {
            servers.push(id);
        }
    }
    Ok(servers)
}

/// A test program that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Kills it with SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) -> io::Result<()> {
        self.0.kill()?;
        self.0.wait().map(drop)
    }

    /// Its exit code, unless a signal ended it.
    pub fn wait(&mut self) -> io::Result<Option<i32>> {
        self.0.wait().map(|status| status.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        drop(self.kill());
    }
}

/// The events of the journal in this folder.
pub fn journal(trial: &Path) -> io::Result<Vec<Value>> {
    let text = fs::read_to_string(trial.join("journal.jsonl"))?;
    text.lines().map(|line| serde_json::from_str(line).map_err(io::Error::from)).collect()
}

/// Takes away what says how the tests themselves are run.
pub fn isolate(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CHAOS_", "NEXTEST", "GITHUB_"].iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
}

/// Runs a command to its end.
pub fn outcome(command: &mut Command) -> io::Result<Outcome> {
    let output = command.stdin(Stdio::null()).output()?;
    Ok(Outcome {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
