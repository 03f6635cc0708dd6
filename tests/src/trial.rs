//! Running one trial of a test program as a process of its own, and reading what it left.

use crate::program::isolate;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// One trial about to be run, whose results go to a folder of its own.
#[derive(Debug)]
pub struct Trial {
    command: Command,
    folder: TempDir,
}

/// A trial that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    folder: TempDir,
}

/// A trial that is over.
#[derive(Debug)]
pub struct Finished {
    /// How its process ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    folder: TempDir,
}

impl Trial {
    /// The trial of this name in `program`, whose services find `server` as the binary `target-server`.
    pub fn new(program: &str, server: &str, name: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(program);
        // Where no settings are.
        command.args(["--exact", name]).current_dir(folder.path());
        isolate(&mut command);
        command.env("CHAOS_TARGET_DIR", folder.path()).env("CARGO_BIN_EXE_target-server", server);
        // No engine, whatever the machine has.
        command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        Ok(Self { command, folder })
    }

    /// Lets it use the machine's Docker engine.
    #[must_use]
    pub fn with_docker(mut self) -> Self {
        match std::env::var_os("DOCKER_HOST") {
            Some(host) => self.command.env("DOCKER_HOST", host),
            None => self.command.env_remove("DOCKER_HOST"),
        };
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// The folder for its results.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it.
    pub fn start(mut self) -> io::Result<Running> {
        // Files, not pipes: what it leaves behind could hold a pipe open.
        let file = |name| fs::File::create(self.folder.path().join(name));
        let (stdout, stderr) = (file("stdout")?, file("stderr")?);
        let child = self.command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn()?;
        Ok(Running { child, folder: self.folder })
    }

    /// Runs it to its end.
    pub fn run(self) -> io::Result<Finished> {
        self.start()?.finish(PATIENCE)
    }
}

impl Running {
    /// The id of its process.
    #[must_use]
    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// What it has written to its journal so far.
    #[must_use]
    pub fn journal(&self) -> Vec<Value> {
        journal(self.folder.path())
    }

    /// The processes of its services.
    pub fn services(&self) -> io::Result<Vec<i32>> {
        services(self.folder.path())
    }

    /// The folder for its results.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits for its end.
    pub fn finish(mut self, within: Duration) -> io::Result<Finished> {
        let status = poll(within, || self.child.try_wait().transpose()).ok_or_else(|| {
            let said = fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default();
            io::Error::new(io::ErrorKind::TimedOut, format!("it did not end within {within:?}: {said}"))
        })??;
        let read = |name| -> io::Result<String> {
            let mut text = Vec::new();
            fs::File::open(self.folder.path().join(name))?.read_to_end(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        let (stdout, stderr) = (read("stdout")?, read("stderr")?);
        // `Running` kills what it is dropped with, which is gone; the folder goes on to the result.
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir()?);
        Ok(Finished { status, stdout, stderr, folder })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        drop(self.child.kill());
        drop(self.child.wait());
        // Its guard works by what is in the folder, which must not go before it is done.
        let open = self.folder.path().join("chaos/open");
        poll(PATIENCE, || {
            fs::read_dir(&open).map_or(Some(()), |mut left| left.next().is_none().then_some(()))
        });
    }
}

impl Finished {
    /// Its exit code, or minus the signal that ended it.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status.code().or(self.status.signal().map(|signal| -signal)).unwrap_or_default()
    }

    /// All it said.
    #[must_use]
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The folder for its results.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its report.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    #[expect(clippy::panic, reason = "only tests call this, and that is how they fail")]
    pub fn report(&self) -> Value {
        let text = find(self.folder.path(), "report.json").and_then(|path| fs::read(path).ok());
        match text.and_then(|text| serde_json::from_slice(&text).ok()) {
            Some(report) => report,
            None => panic!("it left no report: {}", self.said()),
        }
    }

    /// Its journal.
    #[must_use]
    pub fn journal(&self) -> Vec<Value> {
        journal(self.folder.path())
    }

    /// The processes of its services that are still there.
    pub fn services(&self) -> io::Result<Vec<i32>> {
        services(self.folder.path())
    }
}

/// The events of this kind in a journal.
#[must_use]
pub fn events<'a>(journal: &'a [Value], kind: &str) -> Vec<&'a Value> {
    journal.iter().filter(|event| event["event"] == kind).collect()
}

/// Asks until there is an answer, for so long at most.
pub fn poll<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    const STEP: Duration = Duration::from_millis(10);
    for _ in 0..=(within.as_millis() / STEP.as_millis()) {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        std::thread::park_timeout(STEP);
    }
    None
}

fn journal(folder: &Path) -> Vec<Value> {
    let text = find(folder, "journal.jsonl").and_then(|path| fs::read_to_string(path).ok());
    // The last line may be half written.
    text.unwrap_or_default().lines().map_while(|line| serde_json::from_str(line).ok()).collect()
}

/// A file of the one trial that ran: `chaos/<run>/<trial>/<file>`.
fn find(folder: &Path, file: &str) -> Option<PathBuf> {
    let entries = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let trials = entries(&folder.join("chaos")).into_iter().flat_map(|run| entries(&run));
    trials.map(|trial| trial.join(file)).find(|path| path.is_file())
}

/// The processes that carry the tag of a trial, and the folder of its results.
fn services(folder: &Path) -> io::Result<Vec<i32>> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let mut services = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let process = entry?.path();
        let Some(id) = process.file_name().and_then(OsStr::to_str).and_then(|id| id.parse().ok()) else {
            continue;
        };
        // A process may end while it is looked at.
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        let holds = |part: &[u8]| environment.windows(part.len()).any(|window| window == part);
        if holds(b"CHAOS_TRIAL=") && holds(folder) {
            services.push(id);
        }
    }
    Ok(services)
}
