//! For tests: processes to be killed, which are this test binary again, running one ignored test.

use crate::clock;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The variable that tells such a test that it was started on purpose, and where to work.
const FOLDER: &str = "CHAOS_TEST_VICTIM_FOLDER";

/// The folder to work in, in a process that [`spawn`] made.
pub(crate) fn folder() -> Option<std::path::PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}

/// Starts the test of this name as a process of its own, in a group of its own.
pub(crate) fn spawn(test: &str, folder: &Path) -> Child {
    spawn_with(test, folder, &[])
}

/// The same, with these variables.
pub(crate) fn spawn_with(test: &str, folder: &Path, variables: &[(&str, &str)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .env(FOLDER, folder)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Waits for something that another process does.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = clock::now() + Duration::from_secs(30);
    while !holds() {
        assert!(clock::now() < limit, "not within 30 s: {what}");
        clock::block_until(clock::now() + Duration::from_millis(5));
    }
}
