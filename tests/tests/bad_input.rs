//! What cannot be run ends in one clear error that names service, cause and remedy, and leaves nothing running.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

use chaos_tests::trial::{Finished, Trial};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;

const TARGET_SERVER: &str = env!("CARGO_BIN_EXE_target-server");

fn trial(name: &str) -> Trial {
    Trial::new(env!("CARGO_BIN_EXE_verdicts"), TARGET_SERVER, name).unwrap()
}

/// Runs a trial that must fail within the limit, saying all of this.
#[track_caller]
fn assert_fails(trial: Trial, within: Duration, parts: &[&str]) -> Finished {
    let finished = trial.start().unwrap().finish(within).unwrap();
    assert_eq!(finished.code(), 101, "{}", finished.said());
    for part in parts {
        assert!(finished.stdout.contains(part), "{part:?} is missing from: {}", finished.said());
    }
    assert_eq!(finished.services().unwrap(), Vec::<i32>::new(), "left running: {}", finished.said());
    finished
}

/// The one reason that a trial ended in an error.
fn reason(finished: &Finished) -> String {
    let report = finished.report();
    let conclusion = &report["conclusion"];
    assert_eq!(conclusion["verdict"], "error", "{}", finished.said());
    let reasons = conclusion["reasons"].as_array().unwrap();
    assert_eq!(reasons.len(), 1, "{reasons:#?}");
    reasons[0].as_str().unwrap().to_owned()
}

const AT_ONCE: Duration = Duration::from_secs(20);

#[test]
fn a_hypothesis_that_can_never_be_decided() {
    let parts = [
        "bad_input::undecidable (tests/src/bin/verdicts/bad_input.rs:",
        "expect: `error_rate < 1%` cannot be decided by 50 operations: at 95% confidence it takes 299;",
        "at 100/s that is 3s",
    ];
    assert_fails(trial("bad_input::undecidable::1_cannot_be_planned"), AT_ONCE, &parts);
}

#[test]
fn a_ladder_that_falls() {
    let parts = [
        "by_hand::falling_ladder: stage `30%` reaches less of `target` than stage `100%` before it",
        "write the stages smallest first",
    ];
    assert_fails(trial("by_hand::falling_ladder::1_cannot_be_planned"), AT_ONCE, &parts);
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let trial = trial("bad_input::port_in_use::1_single_instance");
    let trial = trial.env("TARGET_SERVER", TARGET_SERVER).env("TAKEN_PORT", port);
    let finished = assert_fails(trial, AT_ONCE, &[]);
    let reason = reason(&finished);
    assert!(reason.starts_with("could not start `target"), "{reason}");
    assert!(
        reason.contains("is taken by another process") && reason.contains("Address already in use"),
        "{reason}"
    );
}

#[test]
fn a_command_that_is_not_there() {
    // Left out where trials are listed; it fails where it is asked for.
    let trial = trial("bad_input::command_not_found::1_single_instance").arg("--include-ignored");
    let parts =
        ["service `target` cannot be provided here", "command not found: no-such-server", "on the PATH"];
    assert_fails(trial, AT_ONCE, &parts);
}

#[test]
fn a_service_that_is_never_ready() {
    let finished = assert_fails(trial("bad_input::never_ready::1_single_instance"), AT_ONCE, &[]);
    let reason = reason(&finished);
    assert!(reason.starts_with("could not start `target"), "{reason}");
    assert!(reason.contains("it was not ready within 800ms: it has to accept a connection"), "{reason}");
    let lines: Vec<_> = reason.lines().filter_map(|line| line.split_once("still waiting, line ")).collect();
    let numbers: Vec<_> = lines.iter().map(|(_, number)| number.parse::<u32>().unwrap()).collect();
    assert_eq!(numbers, (6..=25).collect::<Vec<_>>(), "the last 20 lines of 25");
    let took = &finished.report()["took"];
    assert!(took["secs"].as_u64().unwrap() < 10, "{took}");
}

#[test]
fn a_service_that_starts_slowly_is_waited_for() {
    let finished = trial("bad_input::slow_start::1_only").run().unwrap();
    assert_eq!(finished.code(), 0, "{}", finished.said());
    assert_eq!(finished.services().unwrap(), Vec::<i32>::new());
}

#[test]
fn a_binary_that_was_not_built() {
    let finished = assert_fails(trial("bad_input::not_built::1_single_instance"), AT_ONCE, &[]);
    let reason = reason(&finished);
    assert!(reason.starts_with("could not start `target"), "{reason}");
    assert!(reason.contains("cargo build --bin never-built"), "{reason}");
}

#[test]
fn an_address_that_resolves_to_nothing() {
    let finished = assert_fails(trial("bad_input::unresolved::1_only"), Duration::from_secs(60), &[]);
    let reason = reason(&finished);
    assert!(reason.starts_with("could not start `target"), "{reason}");
    assert!(reason.contains("its address nowhere.invalid:80 leads nowhere"), "{reason}");
}

/// A socket that cannot be connected to. (That root is refused by permissions is hard to have.)
#[test]
fn an_engine_that_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let plain_file = folder.path().join("plain.sock");
    std::fs::File::create(&plain_file).unwrap();
    let abandoned = folder.path().join("abandoned.sock");
    drop(UnixListener::bind(&abandoned).unwrap());
    for socket in [plain_file, abandoned] {
        let host = format!("unix://{}", socket.display());
        let trial = trial("containers::kill::1_all").env("DOCKER_HOST", &host).env("CHAOS_REQUIRE", "docker");
        let parts = ["service `redis` cannot be provided here: container redis:7", &host, "To run it, "];
        assert_fails(trial, AT_ONCE, &parts);
    }
}

/// An engine that lets nobody in, as its proxies answer.
#[test]
fn an_engine_that_forbids() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("forbidding.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Closed with a request unread, a connection loses its answer too.
            let request = BufReader::new(stream.try_clone().unwrap()).lines();
            request.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            stream.write_all(b"HTTP/1.0 403 Forbidden\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    let host = format!("unix://{}", socket.display());
    let trial = trial("containers::kill::1_all").env("DOCKER_HOST", &host).env("CHAOS_REQUIRE", "docker");
    assert_fails(trial, AT_ONCE, &["service `redis` cannot be provided here", "403"]);
}

#[test]
fn an_image_that_is_not_there() {
    let trial = trial("bad_input::wrong_image::1_single_instance").with_docker().arg("--include-ignored");
    let parts =
        ["service `target` cannot be provided here: container chaos-harness-no-such-image:0", "To run it, "];
    assert_fails(trial, AT_ONCE, &parts);
}
