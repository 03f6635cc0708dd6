//! What a trial leaves and prints holds no secret of its services, and is for nobody's eyes but its owner's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

use chaos_tests::trial::{Finished, Trial};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Marked as one, in a URL, as an argument, and by the name of its variable.
const SECRETS: [&str; 4] = ["marked-horse-1", "url-horse-2", "argument-horse-3", "named-horse-4"];

fn run(name: &str) -> Finished {
    let trial =
        Trial::new(env!("CARGO_BIN_EXE_verdicts"), env!("CARGO_BIN_EXE_target-server"), name).unwrap();
    // Told live, and as much as there is to tell.
    trial.arg("--nocapture").env("CHAOS_LOG", "trace").run().unwrap()
}

/// What is asked of the file system, unless it has gone: the guard may still be taking out what was left to it.
fn still_there<T>(asked: io::Result<T>) -> Option<T> {
    match asked {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        asked => Some(asked.unwrap()),
    }
}

/// All files and folders below this one.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = still_there(fs::read_dir(folder)).into_iter().flatten();
    let entries = entries.filter_map(still_there).map(|entry| entry.path());
    let deep = |path: PathBuf| {
        let inside = if path.is_dir() && !path.is_symlink() { below(&path) } else { Vec::new() };
        std::iter::once(path).chain(inside)
    };
    entries.flat_map(deep).collect()
}

fn assert_discreet(finished: &Finished) {
    let files: Vec<_> = below(finished.folder()).into_iter().filter(|path| path.is_file()).collect();
    for name in ["journal.jsonl", "report.json", "harness.log", "stdout", "stderr", "target.log"] {
        assert!(files.iter().any(|file| file.ends_with(name)), "there is no {name}: {files:?}");
    }
    let is_evidence = |file: &PathBuf| file.to_string_lossy().ends_with("-1.1.json");
    assert!(files.iter().any(is_evidence), "there is no evidence: {files:?}");
    for file in files.iter().filter(|file| !file.ends_with("target.log")) {
        let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
        for secret in SECRETS {
            // What messages are cut to must not be half a secret either.
            let half = &secret[..secret.len() - 5];
            assert!(!text.contains(half), "{} holds {secret}:\n{text}", file.display());
        }
    }
}

#[test]
fn a_refuted_trial_shows_no_secret_of_its_service() {
    let finished = run("secrets::refuted::1_100_percent");
    assert_eq!(finished.report()["conclusion"]["verdict"], "refuted", "{}", finished.said());
    assert_discreet(&finished);
    let log = below(finished.folder()).into_iter().find(|path| path.ends_with("target.log")).unwrap();
    let log = fs::read_to_string(log).unwrap();
    for secret in SECRETS {
        assert!(log.contains(secret), "the service did not get {secret}: {log}");
    }
    // Live and in the report, its lines are told without them.
    assert!(finished.stderr.contains("target │ SEED=[redacted]"), "{}", finished.said());
    assert!(finished.report()["logs"][0]["lines"].to_string().contains("[redacted]"), "{}", finished.said());
}

#[test]
fn an_error_shows_no_secret() {
    let finished = run("secrets::error_of_start::1_100_percent");
    assert_eq!(finished.report()["conclusion"]["verdict"], "error", "{}", finished.said());
    assert!(
        finished.said().contains("postgres://me:[redacted]@db does not take [redacted]"),
        "{}",
        finished.said()
    );
    assert_discreet(&finished);
}

#[test]
fn a_panic_of_what_the_harness_calls_is_in_the_report_alone_and_shows_no_secret() {
    for (name, verdict) in [("panic_of_start", "error"), ("panic_of_operation", "refuted")] {
        let finished = run(&format!("secrets::{name}::1_100_percent"));
        let said = finished.said();
        assert_eq!(finished.report()["conclusion"]["verdict"], verdict, "{said}");
        let reason = finished.report()["conclusion"]["reasons"][0].to_string();
        assert!(reason.contains("me:[redacted]@db does not take [redacted]"), "{name}: {reason}");
        assert!(!finished.stderr.contains("' panicked at"), "{name}: {said}");
        assert_discreet(&finished);
    }
}

#[test]
fn a_panic_of_what_an_operation_starts_itself_is_printed_without_secrets() {
    let finished = run("secrets::panic_in_background::1_100_percent");
    let said = finished.said();
    assert!(finished.stderr.contains("thread 'chaos-trial' panicked at"), "{said}");
    for what in ["a task", "a thread"] {
        let shown = format!("{what}: postgres://me:[redacted]@db does not take [redacted]\n");
        assert!(finished.stderr.contains(&shown), "{said}");
    }
    assert_discreet(&finished);
}

/// The umask belongs to the process: a shell clears it and becomes the trial.
#[test]
fn what_a_trial_leaves_is_its_owners_alone_whatever_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "umask 0; exec \"$0\" --exact secrets::refuted::1_100_percent"]);
    command.arg(env!("CARGO_BIN_EXE_verdicts"));
    chaos_tests::program::isolate(&mut command);
    command.env("CARGO_BIN_EXE_target-server", env!("CARGO_BIN_EXE_target-server"));
    command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock").env("CHAOS_TARGET_DIR", folder.path());
    assert_eq!(command.output().unwrap().status.code(), Some(101));
    let left = below(folder.path());
    assert!(left.iter().any(|path| path.ends_with("report.json")), "{left:?}");
    for path in &left {
        let Some(found) = still_there(fs::symlink_metadata(path)).filter(|found| !found.is_symlink()) else {
            continue;
        };
        let mode = found.permissions().mode() & 0o777;
        let right = if found.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, right, "{} has the mode {mode:o}", path.display());
    }
}
