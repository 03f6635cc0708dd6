//! Repositories that cannot be written, or not be reached.

use super::bed::{Bed, nights};
use chaos_tests::program::{Outcome, outcome};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::thread;

const TOKEN: &str = "ghs_notforanyone";

fn record(bed: &Bed, remote: &str, more: &[&str]) -> Command {
    let evidence = bed.leave("evidence", &nights());
    let arguments = ["ci", "record", "--evidence", &evidence, "--remote", remote, "--push", "chaos-ledger"];
    bed.command(&bed.at(""), &[&arguments[..], more].concat())
}

fn refused(outcome: &Outcome, expected: &[&str]) {
    let said = &outcome.stderr;
    assert_eq!(outcome.code, Some(4), "{said}");
    for expected in expected.iter().chain(&["the evidence is as it was"]) {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
}

#[test]
fn a_branch_that_is_protected_is_told_with_the_remedy() {
    let bed = Bed::new();
    let hook = bed.at("remote.git/hooks/update");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho 'error: GH006: Protected branch update failed' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let said = outcome(&mut record(&bed, &bed.remote(), &[])).unwrap();
    refused(&said, &["cannot push `chaos-ledger`", "GH006", "rules of this branch"]);
    assert!(bed.at("evidence/n1/shop.chaos.cart.slow_redis/1_stage_1-1.1.json").exists());
}

#[test]
fn a_remote_that_is_not_there_is_told() {
    let bed = Bed::new();
    refused(
        &outcome(&mut record(&bed, "/nonexistent/r.git", &[])).unwrap(),
        &["cannot fetch from /nonexistent/r.git"],
    );
    let mut without_git = record(&bed, &bed.remote(), &[]);
    refused(&outcome(without_git.env("PATH", "/nonexistent")).unwrap(), &["git cannot be run"]);
}

/// A server that turns everyone away, and tells what they showed.
fn closed(status: &'static str) -> (u16, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        write!(&stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        lines
    });
    (port, server)
}

#[test]
fn a_token_is_shown_to_the_server_and_to_nobody_else() {
    let bed = Bed::new();
    let (port, server) = closed("403 Forbidden");
    let remote = format!("http://user:hunter2@127.0.0.1:{port}/shop/shop.git");
    let mut command = record(&bed, &remote, &["--token-env", "RECORDER_TOKEN"]);
    let trace = bed.at("trace");
    command.env("RECORDER_TOKEN", TOKEN).env("GIT_TRACE", &trace);
    let said = outcome(&mut command).unwrap();
    refused(&said, &["403", "contents: write", "runs of forks"]);
    let shown = server.join().unwrap();
    // `x-access-token:` and the token.
    let header = "basic eC1hY2Nlc3MtdG9rZW46Z2hzX25vdGZvcmFueW9uZQ==";
    assert!(
        shown.iter().any(|line| line.to_lowercase().starts_with("authorization:") && line.ends_with(header)),
        "{shown:?}"
    );
    for secret in [TOKEN, "hunter2", "eC1hY2Nlc3M"] {
        assert!(!said.stderr.contains(secret) && !said.stdout.contains(secret), "{}", said.stderr);
    }
    assert!(!trace.exists(), "what git traces would have them");
}

#[test]
fn who_shows_no_token_is_told_how_to() {
    let bed = Bed::new();
    let (port, server) = closed("401 Unauthorized\r\nwww-authenticate: Basic realm=\"x\"");
    let said = outcome(&mut record(&bed, &format!("http://127.0.0.1:{port}/r.git"), &[])).unwrap();
    refused(&said, &["--token-env"]);
    server.join().unwrap();
    let missing =
        outcome(&mut record(&bed, "https://example.com/r.git", &["--token-env", "RECORDER_TOKEN"])).unwrap();
    refused(&missing, &["RECORDER_TOKEN holds no token"]);
    let mut plain = record(&bed, "http://example.com/r.git", &["--token-env", "RECORDER_TOKEN"]);
    let plain = outcome(plain.env("RECORDER_TOKEN", TOKEN)).unwrap();
    assert!(plain.code == Some(2) && plain.stderr.contains("only sent over HTTPS"), "{}", plain.stderr);
}

#[test]
fn names_that_nothing_can_have_are_mistakes_of_the_command_line() {
    let bed = Bed::new();
    let (evidence, remote) = (bed.leave("evidence", &nights()), bed.remote());
    for (more, expected) in [
        (["--remote", "upstream", "--push", "x"], "no remote `upstream`"),
        (["--remote", &remote, "--push", "a..b"], "`a..b` is not the name of a branch"),
        (["--remote", &remote, "--base", "main"], "--push"),
        (["--push", "x", "--ledger", "y"], "cannot be used with"),
    ] {
        let said = bed.run(&[&["ci", "record", "--evidence", &evidence][..], &more].concat());
        assert!(said.code == Some(2) && said.stderr.contains(expected), "{}", said.stderr);
    }
}
