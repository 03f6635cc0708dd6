//! A crate of its own in a folder of its own, as a user has one, built with what this workspace has built already.

use crate::cargo_chaos;
use crate::program::{isolate, outcome};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};
use tempfile::TempDir;

/// A new crate.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    name: String,
}

impl Scratch {
    /// What `cargo new` makes of this name; the kind is `--lib` or `--bin`.
    pub fn new(name: &str, kind: &str) -> io::Result<Self> {
        let scratch = Self::empty(name)?;
        let made = outcome(
            scratch
                .command(cargo())
                .current_dir(scratch.folder.path())
                .args(["new", "--quiet", "--vcs", "none", kind, name]),
        )?;
        if made.code != Some(0) {
            return Err(io::Error::other(made.stderr));
        }
        // The versions that are there: nothing is fetched.
        fs::copy(workspace().join("Cargo.lock"), scratch.path().join("Cargo.lock"))?;
        Ok(scratch)
    }

    /// A folder without a crate.
    pub fn empty(name: &str) -> io::Result<Self> {
        Ok(Self { folder: tempfile::tempdir()?, name: name.to_owned() })
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// The folder that the results of its trials go to.
    #[must_use]
    pub fn results(&self) -> PathBuf {
        self.folder.path().join("results")
    }

    /// A file of it.
    pub fn read(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(self.path().join(file))
    }

    /// Writes a file of it.
    pub fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let path = self.path().join(file);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text)
    }

    /// The command that runs `cargo chaos` in it.
    pub fn chaos<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> io::Result<Command> {
        let mut command = self.command(cargo_chaos::binary()?);
        command.args(arguments);
        Ok(command)
    }

    /// The command that runs cargo in it.
    pub fn cargo<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.command(cargo());
        command.args(arguments);
        command
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        isolate(&mut command);
        let folder = if self.path().is_dir() { self.path() } else { self.folder.path().to_owned() };
        command.current_dir(folder);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO_PKG_") {
                command.env_remove(&name);
            }
        }
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("CI");
        share_builds(&mut command);
        command.env("NEXTEST_SHOW_PROGRESS", "none");
        // No engine, whatever the machine has; a lock of its own, so that nothing else is waited for.
        command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock").env("TMPDIR", self.folder.path());
        command.env("CHAOS_TARGET_DIR", self.results());
        command
    }
}

/// Has this command build where this workspace is built, and as it is: what one crate has built, the next one need not.
pub fn share_builds(command: &mut Command) {
    command.env("CARGO_TARGET_DIR", target()).env("CARGO_NET_OFFLINE", "true");
    if env::var_os("CARGO_PROFILE_DEV_DEBUG").is_none() {
        // As this workspace says: all its dependencies would be built once more.
        command.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
    }
    command.env("CARGO_TERM_COLOR", "never");
}

/// The root of this workspace, with the harness in it.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"))
}

fn cargo() -> std::ffi::OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Where this test was built: `<target>/debug/deps/<test>`.
fn target() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    program.ancestors().nth(3).map_or_else(|| "target".into(), Path::to_owned)
}
