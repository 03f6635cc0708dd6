//! Faults through a Toxiproxy server that is a process of its own: it takes the place of the embedded proxy, and has the
//! proxies of others, which stay as they are. The feature `external-toxiproxy` needs OpenSSL's headers to build.

#![cfg(feature = "external-toxiproxy")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

use chaos_tests::toxiproxy::Toxiproxy;
use chaos_tests::trial::{Finished, Trial, events};
use chaos_tests::wait::wait_until;
use rustix::process::{Signal, kill_process};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

fn server(arguments: &[&str]) -> Toxiproxy {
    Toxiproxy::start(Command::new(env!("CARGO_BIN_EXE_proxy-server")).args(arguments)).unwrap()
}

/// A proxy with a toxic, made by someone else; as the server shows it.
fn foreign(server: &Toxiproxy, name: &str) -> Value {
    let body = format!(r#"{{"name": "{name}", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}}"#);
    assert_eq!(server.call("POST", "/proxies", &body).unwrap().0, 201);
    let toxic = r#"{"name": "chaos-0", "type": "latency", "attributes": {"latency": 7}}"#;
    assert_eq!(server.call("POST", &format!("/proxies/{name}/toxics"), toxic).unwrap().0, 200);
    shown(server, name)
}

fn shown(server: &Toxiproxy, name: &str) -> Value {
    server.call("GET", &format!("/proxies/{name}"), "").unwrap().1
}

fn trial(server: &Toxiproxy, name: &str) -> Trial {
    let trial =
        Trial::new(env!("CARGO_BIN_EXE_verdicts"), env!("CARGO_BIN_EXE_target-server"), name).unwrap();
    trial.env("CHAOS_BACKEND", "process").env("CHAOS_SEED", "7").env("CHAOS_TOXIPROXY", server.url())
}

fn proof(finished: &Finished) -> String {
    let report = finished.report();
    assert_eq!(report["conclusion"]["verdict"], "upheld", "{}", finished.said());
    let journal = finished.journal();
    let undone = events(&journal, "undone");
    assert!(undone.len() == 1 && undone[0]["failure"].is_null(), "{undone:?}");
    report["facts"]["effects"][0]["seen"]["Ok"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn faults_go_to_the_server_and_are_undone_there() {
    let server = server(&[]);
    let before = foreign(&server, "theirs");
    let expected = [
        ("latency", "20 of 20 connections carried data under it, by the counters of"),
        ("bandwidth", "20 of 20 connections"),
        ("timeout", "connections carried data under it"),
        ("reset_peer", "of them ended by it"),
        ("down", "nothing listens, as 127.0.0.1"),
    ];
    for (fault, seen) in expected {
        let proof = proof(&trial(&server, &format!("faults::{fault}::1_all")).run().unwrap());
        assert!(proof.contains(seen), "{fault}: {proof}");
        assert_eq!(server.proxies().unwrap(), ["theirs"], "{fault}: its own are deleted");
    }
    assert_eq!(shown(&server, "theirs"), before);
}

#[test]
fn a_server_that_tells_little_is_believed_no_more_than_what_was_seen() {
    for server in [Some(server(&["--silent"])), Toxiproxy::original().unwrap()].into_iter().flatten() {
        tells_little(&server);
    }
}

fn tells_little(server: &Toxiproxy) {
    for (fault, seen) in
        [("latency", "20 connections were seen"), ("down", "20 connections were seen before")]
    {
        let proof = proof(&trial(server, &format!("faults::{fault}::1_all")).run().unwrap());
        assert!(proof.contains(seen), "{fault}: {proof}");
        assert_eq!(proof.contains("does not tell"), fault == "latency", "{proof}");
    }
    let finished = trial(server, "outcomes::inconclusive_without_effect::1_only").run().unwrap();
    let report = finished.report();
    assert_eq!(report["conclusion"]["verdict"], "inconclusive", "{}", finished.said());
    let missing = report["facts"]["effects"][0]["seen"]["Err"].as_str();
    assert!(
        missing.is_some_and(|missing| missing.contains("no connection of the workload was seen")),
        "{missing:?}"
    );
}

/// What `docker` prints, when it succeeds.
fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether there are containers here, with the images that `images/make.sh` makes and those of these programs.
fn has_images() -> bool {
    let has = docker(&["image", "inspect", "redis:7"]).is_some();
    let required = std::env::var("CHAOS_REQUIRE").is_ok_and(|required| required.contains("docker"));
    assert!(has || !required, "CHAOS_REQUIRE=docker: there is no engine with redis:7, run images/make.sh");
    if !has {
        eprintln!("left out: there is no engine with redis:7, run images/make.sh");
    }
    has
}

fn make_image(program: &str, image: &str) {
    let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../images/make.sh"))
        .args(["--force", "--program", program, image])
        .status();
    assert!(made.is_ok_and(|status| status.success()), "images/make.sh");
}

#[test]
fn containers_reach_the_server_too_and_are_found_again_after_a_restart() {
    if !has_images() {
        return;
    }
    make_image(env!("CARGO_BIN_EXE_front-server"), "chaos-test-front");
    let server = server(&[]);
    // An app in a container goes through a second proxy; a restarted container listens on another port.
    for (name, seen) in [("app_in_container", "20 of 20 connections"), ("kill", "it has ended")] {
        let trial = trial(&server, &format!("containers::{name}::1_all"));
        let proof = proof(&trial.with_docker().env("CHAOS_BACKEND", "docker").run().unwrap());
        assert!(proof.contains(seen), "{name}: {proof}");
        assert_eq!(server.proxies().unwrap(), [""; 0]);
    }
}

#[test]
fn a_server_in_a_container_is_started_for_the_trial_and_removed() {
    if !has_images() {
        return;
    }
    make_image(env!("CARGO_BIN_EXE_proxy-server"), "chaos-test-toxiproxy");
    let unused = server(&[]);
    let run = format!("toxiproxy-{}", std::process::id());
    let left = || docker(&["ps", "-aq", "--filter", &format!("label=chaos.run={run}")]).unwrap();
    let trial = |name: &str| {
        let trial = trial(&unused, name).with_docker().env("CHAOS_TOXIPROXY", "container");
        trial.env("CHAOS_TOXIPROXY_IMAGE", "chaos-test-toxiproxy").env("NEXTEST_RUN_ID", &run)
    };
    let proof = proof(&trial("faults::latency::1_all").run().unwrap());
    assert!(
        proof.contains("20 of 20 connections carried data under it, by the counters of 127.0.0.1"),
        "{proof}"
    );
    assert_eq!(left(), "");

    let running = trial("cleanup::long::1_only").start().unwrap();
    wait_until("turbulence begins", || {
        let journal = running.journal();
        journal.iter().any(|event| event["event"] == "phase_started" && event["phase"] == "turbulence")
    });
    assert_ne!(left(), "");
    kill_process(running.pid(), Signal::KILL).unwrap();
    running.finish(Duration::from_secs(10)).unwrap();
    wait_until("its guard removes the container", || left().is_empty());
}

#[test]
fn a_killed_trial_leaves_the_server_as_it_was() {
    let server = server(&[]);
    let before = foreign(&server, "theirs");
    let running = trial(&server, "cleanup::long::1_only").start().unwrap();
    wait_until("turbulence begins", || {
        let journal = running.journal();
        journal.iter().any(|event| event["event"] == "phase_started" && event["phase"] == "turbulence")
    });
    assert_eq!(server.proxies().unwrap().len(), 3, "one for each replica");
    kill_process(running.pid(), Signal::KILL).unwrap();
    let finished = running.finish(Duration::from_secs(10)).unwrap();
    assert_eq!(finished.code(), -9);
    wait_until("its guard deletes the proxies", || server.proxies().unwrap() == ["theirs"]);
    assert_eq!(shown(&server, "theirs"), before);
}

#[test]
fn a_proxy_of_the_same_name_is_someone_elses() {
    let server = server(&[]);
    let name = "chaos-a-run.faults.latency.1_all-target";
    let before = foreign(&server, name);
    let finished = trial(&server, "faults::latency::1_all").env("NEXTEST_RUN_ID", "a-run").run().unwrap();
    let said = finished.said();
    assert_eq!(finished.report()["conclusion"]["verdict"], "error", "{said}");
    assert!(said.contains(&format!("has a proxy `{name}` already")), "{said}");
    assert_eq!(shown(&server, name), before);
}

#[test]
fn what_a_toxiproxy_cannot_do_is_refused_before_anything_is_started() {
    let server = server(&[]);
    let finished = trial(&server, "outcomes::inconclusive_by_share::1_only").run().unwrap();
    let said = finished.said();
    assert!(said.contains("cannot be injected: an external Toxiproxy does not tell which"), "{said}");
    assert!(said.contains("unset CHAOS_TOXIPROXY"), "{said}");
    let journal = finished.journal();
    assert_eq!(events(&journal, "service_ready").len(), 0);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let server = server(&[]);
    let trial = trial(&server, "faults::latency::1_all");
    let url = server.url();
    drop(server);
    let finished = trial.run().unwrap();
    let said = finished.said();
    assert!(
        said.contains(&format!("no Toxiproxy answers at {}", url.trim_start_matches("http://"))),
        "{said}"
    );
    assert_eq!(finished.report()["conclusion"]["blame"], "injector", "{said}");
}
