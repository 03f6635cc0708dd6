//! The experiments of the checkout example, on the variant of it that trusts its dependencies: each is refuted, for its
//! own reason.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test has nothing better to do with a failure"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Each experiment's first stage, what it needs, and what must have gone wrong with the fragile service.
const EXPECTED: [(&str, Needs, &str); 7] = [
    ("carts::survives_redis_outage::1_1_instance", Needs::Redis, "error_rate < 2%"),
    ("carts::survives_slow_redis::1_20_percent", Needs::Redis, "p95 < 150ms"),
    ("orders::survives_connection_resets::1_20_percent", Needs::Docker, "error_rate < 2%"),
    ("stock::survives_a_killed_replica::1_1_instance", Needs::Nothing, "error_rate < 2%"),
    ("stock::survives_a_paused_replica::1_1_instance", Needs::Nothing, "p95 < 150ms"),
    ("stock::survives_a_slow_replica::1_1_instance", Needs::Nothing, "p95 < 150ms"),
    ("stock::survives_a_starved_replica::1_1_instance", Needs::Nothing, "p95 < 100ms"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// As a container or as a local program.
    Redis,
    Docker,
}

#[test]
fn every_experiment_is_refuted_on_the_fragile_variant() {
    let program = experiments();
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(&program)
        .args(["--test-threads", "1"])
        .env("CHECKOUT_VARIANT", "fragile")
        .env("CHAOS_TARGET_DIR", folder.path())
        .env("NEXTEST_RUN_ID", "fragile")
        .current_dir(workspace().join("examples/checkout"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(101), "{told}");

    let docker_is_required = std::env::var("CHAOS_REQUIRE").is_ok_and(|required| required.contains("docker"));
    for (trial, needs, threshold) in EXPECTED {
        let report = folder.path().join("chaos/fragile").join(trial.replace("::", ".")).join("report.json");
        if !report.exists() && needs != Needs::Nothing && !docker_is_required {
            assert!(
                told.contains("cannot be provided here"),
                "{trial} did not run, and nothing says why:\n{told}"
            );
            continue;
        }
        refuted_by(trial, threshold, &report, &told);
    }
}

fn refuted_by(trial: &str, threshold: &str, report: &Path, told: &str) {
    let text = std::fs::read_to_string(report).unwrap_or_else(|error| panic!("{trial}: {error}\n{told}"));
    let report: Value = serde_json::from_str(&text).unwrap();
    let conclusion = &report["conclusion"];
    assert_eq!(conclusion["verdict"], "refuted", "{trial}: {conclusion}");
    assert_eq!(conclusion["blame"], "system", "{trial}: {conclusion}");
    let reason = conclusion["reasons"][0].as_str().unwrap_or_default();
    assert!(reason.starts_with(threshold), "{trial} was refuted by {reason}, not by {threshold}");
    for effect in report["facts"]["effects"].as_array().unwrap() {
        assert!(effect["seen"]["Ok"].is_string(), "{trial}: {effect}");
    }
}

/// The example's test program: cargo says where it is. The whole workspace is named, as in the command that runs these
/// tests, so that no dependency is built once more with other features.
fn experiments() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--test", "chaos", "--no-run", "--message-format", "json"])
        .current_dir(workspace())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let programs = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut chaos = programs.filter(|message| message["target"]["name"] == "chaos");
    let found = chaos.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    found.expect("cargo names the program that it built")
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
