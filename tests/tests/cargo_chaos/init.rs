//! `cargo chaos init`: what it makes runs as it stands, and what is there stays.

use chaos_tests::program::{Outcome, outcome};
use chaos_tests::scratch::{Scratch, workspace};
use serde_json::Value;
use std::fs;

fn init(scratch: &Scratch, arguments: &[&str]) -> Outcome {
    let harness = workspace().to_str().unwrap();
    let given = ["init", "--path", harness].into_iter().chain(arguments.iter().copied());
    outcome(&mut scratch.chaos(given).unwrap()).unwrap()
}

const MADE: [&str; 6] = [
    "tests/chaos.rs",
    "chaos.toml",
    ".config/nextest.toml",
    ".github/workflows/chaos.yml",
    ".github/workflows/chaos-nightly.yml",
    "chaos/ledger/README.md",
];

#[test]
fn what_is_made_in_a_library_runs_under_both_runners_and_a_second_time_changes_nothing() {
    let scratch = Scratch::new("shop", "--lib").unwrap();
    let before = scratch.read("Cargo.toml").unwrap();
    let made = init(&scratch, &[]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    for file in MADE {
        assert!(made.stdout.contains(&format!("made     {file}\n")), "{file}: {}", made.stdout);
    }
    assert!(made.stdout.contains("cargo test --test chaos"), "it says what comes next: {}", made.stdout);
    assert!(scratch.read("Cargo.toml").unwrap().starts_with(before.trim_end()), "only added to");

    let ran = outcome(&mut scratch.cargo(["test", "--test", "chaos"])).unwrap();
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("survives_slow_connections::1_5_percent"), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 passed; 0 failed; 2 ignored"), "{}", ran.stdout);
    let ran = outcome(&mut scratch.cargo(["nextest", "run", "--profile", "ci"])).unwrap();
    if ran.stderr.contains("no such command") {
        eprintln!("skipped: cargo-nextest is not installed (cargo install cargo-nextest)");
    } else {
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains("2 passed, 2 skipped"), "{}", ran.stderr);
    }

    let listed = outcome(&mut scratch.chaos(["list", "--format", "json"]).unwrap()).unwrap();
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed[0]["trials"][0]["fingerprint"], {
        // The program of the sample's service is in another place on each machine, and no part of what is proved.
        let again = Scratch::new("shop", "--lib").unwrap();
        init(&again, &[]);
        let again = outcome(&mut again.chaos(["list", "--format", "json"]).unwrap()).unwrap();
        serde_json::from_str::<Value>(&again.stdout).unwrap()[0]["trials"][0]["fingerprint"].clone()
    });

    // What its owner has changed is theirs.
    scratch.write("chaos.toml", "tests = [\"chaos\"] # ours\n").unwrap();
    let files = || MADE.map(|file| scratch.read(file).unwrap());
    let (manifest, owned) = (scratch.read("Cargo.toml").unwrap(), files());
    let again = init(&scratch, &[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stdout.contains("nothing to do") && !again.stdout.contains("made "), "{}", again.stdout);
    assert_eq!((scratch.read("Cargo.toml").unwrap(), files()), (manifest, owned));
}

#[test]
fn a_binary_with_tests_and_settings_of_its_own_keeps_them() {
    let scratch = Scratch::new("server", "--bin").unwrap();
    scratch.write("tests/api.rs", "#[test]\nfn answers() {}\n").unwrap();
    scratch.write(".config/nextest.toml", "# ours\n[profile.default]\nretries = 3\n").unwrap();
    scratch.write(".github/workflows/chaos.yml", "name: ours\n").unwrap();
    let made = init(&scratch, &["--ledger", "branch", "--format", "json"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let done: Value = serde_json::from_str(&made.stdout).unwrap();
    let what = |file: &str| {
        let changes = done["changes"].as_array().unwrap();
        changes.iter().find(|change| change["file"] == file).map(|change| change["what"].clone())
    };
    assert_eq!(what(".config/nextest.toml"), Some("changed".into()));
    assert_eq!(what(".github/workflows/chaos.yml"), Some("kept".into()));
    assert_eq!(what("chaos/ledger/README.md"), None, "the ledger is elsewhere");
    assert!(
        scratch.read(".config/nextest.toml").unwrap().starts_with("# ours\n[profile.default]\nretries = 3\n")
    );
    assert!(scratch.read(".github/workflows/chaos-nightly.yml").unwrap().contains("ledger: branch"));
    let ran = outcome(&mut scratch.cargo(["test", "--tests"])).unwrap();
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("test answers ... ok"), "{}", ran.stdout);
}

#[test]
fn in_a_workspace_the_package_is_named_and_settings_are_at_the_root() {
    let scratch = Scratch::empty("work").unwrap();
    scratch.write("Cargo.toml", "[workspace]\nmembers = [\"api\", \"web\"]\nresolver = \"3\"\n").unwrap();
    for member in ["api", "web"] {
        let manifest = format!("[package]\nname = \"{member}\"\nedition = \"2024\"\n");
        scratch.write(&format!("{member}/Cargo.toml"), &manifest).unwrap();
        scratch.write(&format!("{member}/src/lib.rs"), "").unwrap();
    }
    let unnamed = init(&scratch, &[]);
    assert_eq!(unnamed.code, Some(2));
    assert!(unnamed.stderr.contains("name one with -p, of api, web"), "{}", unnamed.stderr);
    assert_eq!(init(&scratch, &["-p", "wbe"]).code, Some(2));
    assert!(!scratch.path().join("chaos.toml").exists(), "nothing is done by halves");

    let made = init(&scratch, &["-p", "web"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert!(made.stdout.contains("cargo test -p web --test chaos"), "{}", made.stdout);
    assert!(
        scratch.path().join("web/tests/chaos.rs").is_file() && scratch.path().join("chaos.toml").is_file()
    );
    let inside = {
        let mut command = scratch.chaos(["init", "--path"]).unwrap();
        outcome(command.arg(workspace()).current_dir(scratch.path().join("web/src"))).unwrap()
    };
    assert!(inside.stdout.contains("nothing to do"), "{}{}", inside.stdout, inside.stderr);
}

#[test]
fn what_cannot_be_added_to_is_told_and_nothing_is_written() {
    let scratch = Scratch::empty("none").unwrap();
    fs::create_dir(scratch.path()).unwrap();
    let nowhere = init(&scratch, &[]);
    assert_eq!(nowhere.code, Some(2));
    assert!(
        nowhere.stderr.contains("Cargo.toml") && nowhere.stderr.contains("cargo new"),
        "{}",
        nowhere.stderr
    );

    let scratch = Scratch::new("odd", "--lib").unwrap();
    let manifest = scratch.read("Cargo.toml").unwrap();
    scratch.write(".config/nextest.toml", "[profile]\ndefault = { overrides = [] }\n").unwrap();
    let refused = init(&scratch, &[]);
    assert_eq!(refused.code, Some(4));
    assert!(
        refused.stderr.contains("Add this by hand") && refused.stderr.contains("max-threads = 1"),
        "{}",
        refused.stderr
    );
    assert_eq!(scratch.read("Cargo.toml").unwrap(), manifest);

    let elsewhere = outcome(&mut scratch.chaos(["init", "--path", "/nonexistent"]).unwrap()).unwrap();
    assert_eq!(elsewhere.code, Some(4));
    assert!(elsewhere.stderr.contains("no chaos-harness is in /nonexistent"), "{}", elsewhere.stderr);
}
