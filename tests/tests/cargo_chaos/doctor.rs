//! `cargo chaos doctor`: real probes, each with an end.

use super::trials::experiments;
use chaos_tests::program::{Outcome, outcome};
use chaos_tests::scratch::Scratch;
use serde_json::Value;
use std::net::TcpListener;
use std::path::Path;

fn doctor(scratch: &Scratch, line: &str, engine: &str) -> (Outcome, Value) {
    let words = format!("doctor --format json{line}");
    let mut command = scratch.chaos(words.split(' ')).unwrap();
    let outcome = outcome(command.env("DOCKER_HOST", engine)).unwrap();
    let report = serde_json::from_str(&outcome.stdout).unwrap();
    (outcome, report)
}

/// What was found of this name.
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"))
}

const NOWHERE: &str = "unix:///nonexistent/docker.sock";

#[test]
fn every_part_of_the_machine_is_looked_at_and_what_is_not_needed_is_no_failure() {
    let scratch = Scratch::new("plain", "--lib").unwrap();
    let (outcome, report) = doctor(&scratch, "", NOWHERE);
    assert_eq!((outcome.code, &report["ready"]), (Some(0), &true.into()), "{report}");
    let names: Vec<_> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    let expected = [
        "engine",
        "privileges",
        "netem",
        "cgroups",
        "descriptors",
        "ports",
        "nextest",
        "git",
        "space",
        "clock",
        "leftovers",
        "experiments",
    ];
    assert_eq!(names, expected);
    let states = ["ok", "limited", "missing"];
    for check in report["checks"].as_array().unwrap() {
        let fields: Vec<_> = check.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(
            fields.iter().all(|field| ["name", "state", "found", "effect", "remedy"].contains(field)),
            "{check}"
        );
        assert!(states.contains(&check["state"].as_str().unwrap()) && check["found"] != "", "{check}");
    }
    let engine = check(&report, "engine");
    assert_eq!(engine["state"], "missing");
    assert!(engine["found"].as_str().unwrap().contains(NOWHERE), "{engine}");
    assert_eq!(engine["remedy"], "start Docker or set DOCKER_HOST");

    let (outcome, report) = doctor(&scratch, " --image chaos-no-such-image:1", NOWHERE);
    assert_eq!((outcome.code, &report["ready"]), (Some(4), &false.into()));
    assert!(
        check(&report, "image")["found"]
            .as_str()
            .unwrap()
            .starts_with("chaos-no-such-image:1: no Docker engine")
    );

    let words = outcome_of_words(&scratch);
    assert!(
        words.contains("missing  engine") && words.contains("mend: start Docker or set DOCKER_HOST"),
        "{words}"
    );
}

fn outcome_of_words(scratch: &Scratch) -> String {
    outcome(&mut scratch.chaos(["doctor", "--no-build"]).unwrap()).unwrap().stdout
}

#[test]
fn an_engine_that_says_nothing_is_not_waited_for() {
    let scratch = Scratch::new("plain", "--lib").unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let engine = format!("tcp://{}", silent.local_addr().unwrap());
    let (_, report) = doctor(&scratch, " --no-build", &engine);
    assert!(check(&report, "engine")["found"].as_str().unwrap().contains("nothing within"), "{report}");
}

#[test]
fn what_the_experiments_lack_is_named_with_its_remedy_and_fails() {
    let scratch = experiments();
    let (outcome, report) = doctor(&scratch, "", NOWHERE);
    assert_eq!(outcome.code, Some(0), "{report}");
    assert_eq!(check(&report, "experiments")["found"], "3, and each has what it needs");

    let text = scratch.read("tests/chaos.rs").unwrap();
    let in_container = r#"#[system(greeter = container("chaos-no-such-image:1", port = 80))]"#;
    let with_container = text
        .lines()
        .map(|line| if line.starts_with("#[system(") { in_container } else { line })
        .collect::<Vec<_>>()
        .join("\n");
    scratch.write("tests/chaos.rs", &with_container).unwrap();
    let (outcome, report) = doctor(&scratch, "", NOWHERE);
    assert_eq!((outcome.code, &report["ready"]), (Some(4), &false.into()), "{report}");
    let lacking = check(&report, "experiment");
    assert!(
        lacking["found"]
            .as_str()
            .unwrap()
            .starts_with("greeter::chaos::holds: service `greeter` cannot be provided here"),
        "{lacking}"
    );
    assert_eq!(lacking["remedy"], "start Docker or set DOCKER_HOST");
    assert!(
        check(&report, "image")["found"].as_str().unwrap().starts_with("chaos-no-such-image:1"),
        "{report}"
    );

    scratch.write("tests/chaos.rs", "fn main() { 1 }\n").unwrap();
    let (outcome, report) = doctor(&scratch, "", NOWHERE);
    assert_eq!(outcome.code, Some(4));
    assert!(check(&report, "experiments")["found"].as_str().unwrap().contains("do not build"), "{report}");
    assert_eq!(doctor(&scratch, " --no-build", NOWHERE).0.code, Some(0));
}

#[test]
fn completions_are_there_for_every_shell() {
    let scratch = Scratch::empty("none").unwrap();
    for (shell, part) in [
        ("bash", "-F _cargo_chaos -o"),
        ("zsh", "#compdef cargo-chaos"),
        ("fish", "complete -c cargo-chaos"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let made = outcome(&mut scratch.chaos(["chaos", "completions", shell]).unwrap()).unwrap();
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        assert!(made.stdout.contains(part) && made.stdout.contains("escalate"), "{shell}: {}", made.stdout);
    }
    if Path::new("/bin/bash").exists() {
        let words = "words=(cargo-chaos ci ga); cd /; source <(\"$0\" completions bash)
            COMP_WORDS=(\"${words[@]}\"); COMP_CWORD=2
            \"$(complete -p cargo-chaos | sed 's/.*-F \\([^ ]*\\).*/\\1/')\" cargo-chaos ga ci; echo \"${COMPREPLY[@]}\"";
        let binary = chaos_tests::cargo_chaos::binary().unwrap();
        let completed =
            outcome(std::process::Command::new("/bin/bash").args(["-c", words]).arg(binary)).unwrap();
        assert_eq!(completed.stdout, "gate\n", "{}", completed.stderr);
    }
}
