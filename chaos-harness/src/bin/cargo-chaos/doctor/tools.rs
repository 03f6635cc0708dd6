//! Other programs: nextest and git.

use super::check::Check;
use crate::cargo::{Nextest, cargo};
use crate::child::output_within;
use std::process::Command;
use std::time::Duration;

/// How long a program may take to say what it is.
const TELLS_WITHIN: Duration = Duration::from_secs(10);
/// What nextest ends with where it is older than its configuration asks for.
const TOO_OLD: i32 = 92;

/// Whether nextest is there, and can read the workspace's configuration.
pub(super) fn nextest() -> Check {
    let Some(Nextest { version: (major, minor, patch) }) = Nextest::find() else {
        return Check::limited("nextest", "not installed")
            .effect("`cargo chaos run` uses cargo test: no time limits, partitions or JUnit, and one process for all trials")
            .remedy("cargo install cargo-nextest --locked");
    };
    let found = format!("{major}.{minor}.{patch}");
    let mut command = cargo();
    command.args(["nextest", "show-config", "version"]);
    match output_within(command, TELLS_WITHIN) {
        Ok(output) if output.status.code() == Some(TOO_OLD) => {
            Check::missing("nextest", format!("{found} is older than .config/nextest.toml asks for"))
                .effect("`cargo chaos run` fails")
                .remedy("cargo install cargo-nextest --locked")
                .needed()
        }
        _ => Check::ok("nextest", found).effect("each trial has a process of its own, and a time limit"),
    }
}

/// Whether git is there, and knows the workspace.
pub(super) fn git() -> Check {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(arguments);
        let output = output_within(command, TELLS_WITHIN).ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(version) = git(&["--version"]) else {
        return Check::limited("git", "not installed")
            .effect("experiments run; a run does not know its commit, so that nothing it upholds counts, and `ci record` fails")
            .remedy("Debian: apt-get install git");
    };
    let version = version.trim_start_matches("git version ").to_owned();
    if git(&["rev-parse", "--verify", "--quiet", "HEAD"]).is_none() {
        return Check::limited("git", format!("{version}, and no commit here"))
            .effect("experiments run; a run does not know its commit, so that nothing it upholds counts")
            .remedy("git init, and a first commit");
    }
    match git(&["rev-parse", "--is-shallow-repository"]).as_deref() {
        Some("true") => Check::limited("git", format!("{version}, in a shallow clone"))
            .effect("the commits that changes are compared with may not be there: the ledger of the base is fetched by name")
            .remedy("git fetch --unshallow, or `fetch-depth: 0` for actions/checkout"),
        _ => Check::ok("git", version),
    }
}
