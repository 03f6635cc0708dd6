//! Git, as on a machine that is told nothing by its user.

use crate::program::outcome;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Command;

/// The command that runs it in this folder.
fn command(folder: &Path) -> Command {
    let mut git = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            git.env_remove(&name);
        }
    }
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.args(["-c", "user.name=dev", "-c", "user.email=dev@example.com"]).current_dir(folder);
    git
}

/// What it says, where it does what it is asked.
pub fn said<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> io::Result<String> {
    run(folder, arguments)?.map_err(io::Error::other)
}

/// The same, or nothing where it does not do it.
pub fn asked<A: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> io::Result<Option<String>> {
    Ok(run(folder, arguments)?.ok())
}

/// What it says, or why it does not do it.
fn run<A: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> io::Result<Result<String, String>> {
    let mut git = command(folder);
    let ran = outcome(git.args(arguments))?;
    let is_done = ran.code == Some(0);
    Ok(if is_done { Ok(ran.stdout.trim_end().to_owned()) } else { Err(format!("{git:?}: {}", ran.stderr)) })
}
