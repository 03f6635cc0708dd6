//! A target with `main!()` answers the command line as libtest does, and the environment as documented.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what goes wrong in a test fails it")]

use chaos_tests::program::{Outcome, Program, journal, outcome};
use chaos_tests::wait::wait_until;
use serde_json::Value;
use std::process::Command;
use std::{env, fs};

const UPHELD: &str = "cart::bears_latency::1_1_instance";
const REFUTED: &str = "cart::is_refuted::1_100_percent";
const LACKING: &str = "stock::needs_an_image::1_20_percent";
const ALL: [&str; 9] = [
    UPHELD,
    "cart::bears_latency::2_all_of_it",
    REFUTED,
    "cart::lasts::1_1_instance",
    "stock::is_left_out::1_1_instance",
    "stock::is_left_out::2_100_percent",
    LACKING,
    "stock::needs_an_image::2_50_percent",
    "stock::takes_the_machine::1_50_percent",
];
const LEFT_OUT: [&str; 6] = [ALL[1], ALL[3], ALL[4], ALL[5], ALL[6], ALL[7]];

fn listing() -> Program {
    Program::new(env!("CARGO_BIN_EXE_listing"), env!("CARGO_BIN_EXE_echo-server")).unwrap()
}

/// The names in a list of tests, each of which is written as `NAME: test`.
fn names(outcome: &Outcome) -> Vec<&str> {
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    outcome.lines().into_iter().map(|line| line.strip_suffix(": test").expect(line)).collect()
}

fn results(outcome: &Outcome, result: &str) -> Vec<String> {
    let lines = outcome.lines().into_iter().filter_map(|line| line.strip_prefix("test "));
    let results = lines.filter_map(|line| line.strip_suffix(result)?.trim_end().strip_suffix(" ..."));
    results.map(|name| name.trim().to_owned()).collect()
}

#[test]
fn every_stage_is_listed_by_module_experiment_and_number() {
    let listed = listing().run(["--list"]).unwrap();
    assert_eq!(names(&listed), ALL);
}

#[test]
fn a_list_has_the_shape_of_libtests() {
    let arguments = ["--list", "--format", "terse"];
    let libtests = outcome(Command::new(env::current_exe().unwrap()).args(arguments)).unwrap();
    assert!(names(&libtests).contains(&"a_list_has_the_shape_of_libtests"));
    assert_eq!(names(&listing().run(arguments).unwrap()), ALL);
}

#[test]
fn lists_are_filtered_as_libtest_filters_them() {
    let list = |arguments: &[&str]| -> Vec<String> {
        let arguments = [&["--list", "--format", "terse"], arguments].concat();
        names(&listing().run(arguments).unwrap()).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(list(&["cart::"]), ALL[..4]);
    assert_eq!(list(&["--skip", "stock", "--skip", "bears"]), ALL[2..4]);
    assert_eq!(list(&["--exact", UPHELD]), [UPHELD]);
    assert!(list(&["--exact", "cart::bears_latency"]).is_empty());
    assert_eq!(list(&["--ignored"]), LEFT_OUT);
    assert_eq!(list(&["--include-ignored"]), ALL);
    assert_eq!(list(&["--ignored", "needs"]), ALL[6..8]);
    assert_eq!(list(&["bears", "--skip", "2_all", "needs"]), [UPHELD, ALL[6], ALL[7]]);
    assert_eq!(list(&["--exact", UPHELD, LACKING]), [UPHELD, LACKING]);
}

#[test]
fn what_is_left_out_is_explained_where_it_is_listed() {
    let said = listing().run(["--list"]).unwrap().stderr;
    let about = |name: &str| {
        let ours = format!("chaos: ignored: {name}");
        said.lines().find(|line| line.starts_with(&ours)).unwrap_or_else(|| panic!("{name}: {said}"))
    };
    let lacking = about(LACKING);
    assert!(lacking.contains("service `web` cannot be provided here"), "{lacking}");
    assert!(lacking.contains("no Docker engine at unix:///nonexistent/docker.sock"), "{lacking}");
    assert!(lacking.contains("start Docker or set DOCKER_HOST"), "{lacking}");
    assert!(about("cart::lasts::1_1_instance").ends_with("takes a minute"));
    assert!(about("stock::is_left_out::1_1_instance").ends_with("and 1 more: needs a quiet machine"));
    assert!(about("cart::bears_latency::2_all_of_it").contains("not earned yet"));
    let filtered = listing().run(["--list", "--exact", UPHELD]).unwrap().stderr;
    assert!(!filtered.contains("ignored"), "nothing is said of what was not asked for: {filtered}");
}

#[test]
fn a_stage_that_stands_for_others_is_told_once_where_it_is_listed() {
    let merged = |arguments: &[&str]| {
        let said = listing().run(arguments).unwrap().stderr;
        let lines = said.lines().filter(|line| line.starts_with("chaos: merged: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let line = format!("chaos: merged: {UPHELD} also stands for 50%: it reaches the same");
    assert_eq!(merged(&["--list"]), [line.as_str()]);
    assert_eq!(merged(&["--list", "--exact", UPHELD]), [line.as_str()]);
    assert!(merged(&["--list", "stock"]).is_empty());
}

#[test]
fn a_run_tells_results_and_exit_codes_as_libtest_does() {
    let program = listing();
    let ran = program.run(["cart::", "--test-threads=1"]).unwrap();
    assert_eq!(ran.code, Some(101), "{}", ran.stdout);
    assert_eq!(results(&ran, "ok"), [UPHELD]);
    assert_eq!(results(&ran, "FAILED"), [REFUTED]);
    assert_eq!(results(&ran, "ignored").len(), 2);
    assert!(
        ran.stdout.contains("1 passed; 1 failed; 2 ignored; 0 measured; 5 filtered out"),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.contains(&format!("chaos: upheld {UPHELD}")), "{}", ran.stderr);
    let why = ran.stdout.split("failures:").nth(1).unwrap();
    for part in ["hypothesis  an answer takes no time", "p50 < 500ms", "seed ", "run again   CHAOS_SEED="] {
        assert!(why.contains(part), "`{part}` is missing in {why}");
    }
    assert_eq!(program.trials().unwrap().len(), 2);
    assert!(program.servers().unwrap().is_empty());
}

#[test]
fn a_trial_leaves_a_folder_and_tells_live_what_its_log_says() {
    let program = listing();
    let quiet = program.run(["--exact", UPHELD]).unwrap();
    assert_eq!(quiet.code, Some(0), "{}", quiet.stdout);
    assert!(!quiet.stderr.contains("turbulence:"), "{}", quiet.stderr);

    let live = program.run(["--exact", UPHELD, "--nocapture"]).unwrap();
    assert_eq!(results(&live, "ok"), [UPHELD]);
    let trials = program.trials().unwrap();
    let [folder] = trials.as_slice() else { panic!("`latest` is one run of one trial: {trials:?}") };
    assert!(folder.ends_with("cart.bears_latency.1_1_instance"), "{}", folder.display());
    let log = fs::read_to_string(folder.join("harness.log")).unwrap();
    assert!(log.contains("turbulence:"), "{log}");
    // The time before it is taken once for each.
    let messages = log.lines().filter_map(|line| Some(line.trim_start().split_once(' ')?.1));
    for line in messages.chain(["echo-1 │ listening on", "echo-2 │ listening on"]) {
        assert!(live.stderr.contains(line), "`{line}` is not told live: {}", live.stderr);
    }
    for server in ["echo-1.log", "echo-2.log"] {
        let log = fs::read_to_string(folder.join(server)).unwrap();
        assert!(log.contains("listening on 127.0.0.1:"), "{log}");
    }
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["trial"], UPHELD);
    let events = journal(folder).unwrap();
    let kinds: Vec<_> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(kinds.first(), Some(&"planned"));
    assert_eq!(kinds[kinds.len() - 2..], ["concluded", "taken_down"]);
    assert!(kinds.contains(&"injecting") && kinds.contains(&"undone"), "{kinds:?}");
}

#[test]
fn stages_that_reach_the_same_are_one_trial() {
    let program = listing();
    program.run(["--exact", UPHELD]).unwrap();
    let planned = planned(&program);
    assert_eq!(planned["stage"]["same"].as_array().unwrap().len(), 1, "{}", planned["stage"]);
}

/// The plan of the only trial that ran.
fn planned(program: &Program) -> Value {
    let trials = program.trials().unwrap();
    journal(trials.first().unwrap()).unwrap()[0]["plan"].clone()
}

#[test]
fn a_seed_makes_the_same_plan_again() {
    let plan = |seed: &str| {
        let program = listing().env("CHAOS_SEED", seed).env("CHAOS_NO_FAULT", "1");
        assert_eq!(program.run(["--exact", UPHELD]).unwrap().code, Some(0));
        planned(&program)
    };
    let (first, again) = (plan("0xc0ffee"), plan("0xc0ffee"));
    assert_eq!(first, again);
    assert!(!first["injections"].as_array().unwrap().is_empty());
    assert_ne!(plan("1")["seed"], first["seed"]);
}

#[test]
fn without_faults_the_workload_runs_alone() {
    let program = listing().env("CHAOS_NO_FAULT", "1");
    let ran = program.run(["--exact", REFUTED]).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let said = ran.stderr;
    assert!(said.contains(&format!("chaos: ran without faults (CHAOS_NO_FAULT): {REFUTED}")), "{said}");
    assert!(said.contains("  turbulence ") && said.contains(" operations at "), "{said}");
    for blame in ["warning", "inconclusive", "look at", "  fault "] {
        assert!(!said.contains(blame), "`{blame}` is told of what was asked for: {said}");
    }
    let events = journal(&program.trials().unwrap()[0]).unwrap();
    assert!(events.iter().all(|event| event["event"] != "injecting"));
}

#[test]
fn what_is_kept_stays_up_and_says_how_to_end_it() {
    let program = listing().env("CHAOS_KEEP", "1");
    let ran = program.run(["--exact", UPHELD]).unwrap();
    let kept: Vec<_> = ran.stderr.lines().filter_map(|line| line.strip_prefix("chaos: kept: ")).collect();
    let ends: Vec<_> = kept.iter().filter_map(|line| Some(line.split_once("end it with: ")?.1)).collect();
    let up = program.servers().unwrap();
    for end in &ends {
        let ended = outcome(Command::new("sh").args(["-c", end])).unwrap();
        assert_eq!(ended.code, Some(0), "{end}: {}", ended.stderr);
    }
    assert_eq!((kept.len(), ends.len(), up.len()), (2, 2, 2), "{}", ran.stderr);
    assert!(kept.iter().all(|line| line.contains("at 127.0.0.1:")), "{kept:?}");
    assert!(ran.stderr.contains("chaos: the routes to services end with this trial"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    wait_until("the command that was printed ends what was kept", || program.servers().unwrap().is_empty());
}

#[test]
fn what_is_required_and_lacking_fails() {
    let ran = listing().env("CHAOS_REQUIRE", "docker").run(["needs_an_image"]).unwrap();
    assert_eq!(ran.code, Some(101));
    assert_eq!(results(&ran, "FAILED"), [LACKING]);
    assert_eq!(results(&ran, "ignored"), ["stock::needs_an_image::2_50_percent"]);
    assert!(ran.stdout.contains("start Docker or set DOCKER_HOST"), "{}", ran.stdout);
}

#[test]
fn what_is_lacking_fails_where_it_is_asked_for() {
    let ran = listing().run(["--ignored", "--exact", LACKING]).unwrap();
    assert_eq!(ran.code, Some(101));
    assert!(ran.stdout.contains("cannot be provided here"), "{}", ran.stdout);
}

#[test]
fn variables_that_mean_nothing_are_pointed_out() {
    let told = |name: &str, value: &str| listing().env(name, value).run(["--list"]).unwrap();
    let backend = told("CHAOS_BACKEND", "bogus");
    assert_eq!(backend.code, Some(101));
    assert!(backend.stderr.contains("`bogus` is not known there, write auto, docker"), "{}", backend.stderr);
    let seed = told("CHAOS_SEED", "x");
    assert_eq!(seed.code, Some(101));
    assert!(seed.stderr.contains("CHAOS_SEED=x: `x` is not known there"), "{}", seed.stderr);
    let unknown = told("CHAOS_SEEDS", "1");
    assert_eq!(unknown.code, Some(0), "a warning is enough");
    assert!(unknown.stderr.contains("CHAOS_SEEDS is set and means nothing here"), "{}", unknown.stderr);
    let log = told("CHAOS_LOG", "chaos_harness=loud");
    assert_eq!(log.code, Some(101));
    assert!(log.stderr.contains("CHAOS_LOG=chaos_harness=loud: "), "{}", log.stderr);
    for known in ["CHAOS_LOG", "CHAOS_IMAGE_PREFIX"] {
        let told = told(known, "info").stderr;
        assert!(!told.contains("means nothing"), "{told}");
    }
}

#[test]
fn two_processes_do_not_load_the_machine_at_the_same_time() {
    // A lock of their own: whatever else is tested on this machine is not waited for.
    let shared = tempfile::tempdir().unwrap();
    let [locks, marks] = ["locks", "marks"].map(|name| shared.path().join(name));
    fs::create_dir(&locks).unwrap();
    fs::create_dir(&marks).unwrap();
    let programs = [0, 1].map(|_| listing().env("TMPDIR", &locks).env(chaos_tests::echo::MARKS, &marks));
    let mut running = programs.each_ref().map(|program| program.spawn(["takes_the_machine"]).unwrap());
    for process in &mut running {
        assert_eq!(process.wait().unwrap(), Some(0));
    }
    let spans = chaos_tests::echo::spans(&marks).unwrap();
    assert_eq!(spans.len(), 2);
    assert!(spans[0].1 <= spans[1].0, "{spans:?}");
}

#[test]
fn experiments_can_be_written_without_macros() {
    let program = Program::new(env!("CARGO_BIN_EXE_builder"), env!("CARGO_BIN_EXE_echo-server")).unwrap();
    assert_eq!(names(&program.run(["--list"]).unwrap()), ["by_hand::1_1_instance", "by_hand::2_both"]);
    let ran = program.run(["by_hand"]).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert_eq!(results(&ran, "ok"), ["by_hand::1_1_instance"]);
    let report = fs::read_to_string(program.trials().unwrap()[0].join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let rerun = report["rerun"].as_str().unwrap();
    assert!(
        rerun.contains("cargo run -p chaos-tests --bin builder -- --exact by_hand::1_1_instance "),
        "{rerun}"
    );
}

#[test]
fn experiments_of_one_name_are_refused_and_none_of_them_runs() {
    let program = Program::new(env!("CARGO_BIN_EXE_builder"), env!("CARGO_BIN_EXE_echo-server")).unwrap();
    let program = program.env(chaos_tests::echo::TWICE, "1");
    let ran = program.run(["by_hand"]).unwrap();
    assert_eq!(ran.code, Some(101), "{}", ran.stdout);
    assert_eq!(results(&ran, "ok"), [""; 0]);
    assert_eq!(results(&ran, "FAILED"), ["by_hand::1_cannot_be_planned"; 2]);
    assert!(
        ran.stdout.contains("by_hand (first.rs:1) and by_hand (second.rs:2) have the same"),
        "{}",
        ran.stdout
    );
}
