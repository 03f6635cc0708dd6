//! The binary `cargo-chaos`: built once, run as a server and as a command.

use crate::program::{Outcome, isolate, outcome};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

/// The features it is built with: those of the tests, so that the library is not built once more.
const FEATURES: &str = if cfg!(feature = "external-toxiproxy") { "cli,external-toxiproxy" } else { "cli" };

/// The binary. Cargo names a test only its own package's binaries, so it is asked to build this one.
pub fn binary() -> io::Result<&'static Path> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(built) = BUILT.get() {
        return Ok(built);
    }
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["build", "--locked", "--message-format=json", "--bin=cargo-chaos"]);
    command.args(["--package=chaos-tests", "--package=chaos-harness", "--features", FEATURES]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let built = outcome(command.current_dir(env!("CARGO_MANIFEST_DIR")))?;
    let messages = built.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables = messages.filter(|message| message["target"]["name"] == "cargo-chaos");
    let executable = executables.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    match executable {
        Some(path) if built.code == Some(0) => Ok(BUILT.get_or_init(|| path)),
        _ => Err(io::Error::other(format!("cargo-chaos was not built: {}", built.stderr))),
    }
}

/// The command that runs it with these arguments, in an environment that says nothing about proxies.
pub fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> io::Result<Command> {
    let mut command = Command::new(binary()?);
    command.args(arguments);
    quieten(&mut command);
    Ok(command)
}

fn quieten(command: &mut Command) {
    isolate(command);
    command.env_remove("TOXIPROXY_URL").env_remove("CHAOS_API_TOKEN");
    command.env("LOG_LEVEL", "error").env("COLUMNS", "100");
}

/// Runs it to its end.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> io::Result<Outcome> {
    outcome(&mut command(arguments)?)
}

/// A `cargo chaos proxy` that serves. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    process: Child,
    address: SocketAddr,
    seed: String,
}

impl Server {
    /// Starts it on a free port, with further arguments, and waits until it is ready.
    pub fn start<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> io::Result<Self> {
        let mut command = command(["proxy", "--host=127.0.0.1", "--port=0"])?;
        command.args(arguments);
        Self::from_command(command)
    }

    /// Starts it from a shell that has done this before.
    pub fn under(limit: &str) -> io::Result<Self> {
        let mut command = Command::new("sh");
        let line = format!("{limit} && exec \"$0\" proxy --host=127.0.0.1 --port=0");
        command.args(["-c", &line]).arg(binary()?);
        quieten(&mut command);
        Self::from_command(command)
    }

    /// Runs this command, which is one to serve at a free port, and waits until it is ready.
    pub fn from_command(mut command: Command) -> io::Result<Self> {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let ready = line.trim_end().strip_prefix("listening on http://");
        let parts = ready.and_then(|rest| rest.split_once(", seed "));
        let Some((Ok(address), seed)) = parts.map(|(address, seed)| (address.parse(), seed.to_owned()))
        else {
            process.kill()?;
            process.wait()?;
            return Err(io::Error::other(format!("not ready, it said: {line:?}")));
        };
        Ok(Self { process, address, seed })
    }

    /// Where its API is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The seed that it named.
    #[must_use]
    pub fn seed(&self) -> &str {
        &self.seed
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// Runs a command on it to its end.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> io::Result<Outcome> {
        outcome(command(arguments)?.env("TOXIPROXY_URL", format!("http://{}", self.address)))
    }

    /// Sends it a signal, and waits until it is gone.
    pub fn end_with(mut self, signal: Signal) -> io::Result<ExitStatus> {
        kill_process(Pid::from_child(&self.process), signal)?;
        self.process.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended long ago.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
