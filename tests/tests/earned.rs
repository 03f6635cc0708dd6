//! What the ledger says decides which stages run, and trials leave evidence for it.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use chaos_harness::experiment::Verdict;
use chaos_harness::harness::ListedTrial;
use chaos_harness::ledger::{
    Attempt, ByHand, Event, EventKind, ExperimentId, Fingerprint, Ledger, Moment, Policy, RunRef, TrialEvent,
};
use chaos_tests::program::Program;
use std::collections::BTreeMap;
use std::fs;

const FIRST: &str = "cart::bears_latency::1_1_instance";
const SECOND: &str = "cart::bears_latency::2_all_of_it";
const UNSAID: &str = "cart::is_refuted::1_100_percent";

fn listing() -> Program {
    Program::new(env!("CARGO_BIN_EXE_listing"), env!("CARGO_BIN_EXE_echo-server")).unwrap()
}

fn listed(program: Program) -> BTreeMap<String, ListedTrial> {
    let said = program.env("CHAOS_LISTING", "json").run([""; 0]).unwrap();
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let trials = said.lines().into_iter().map(|line| serde_json::from_str::<ListedTrial>(line).unwrap());
    trials.map(|trial| (trial.name.clone(), trial)).collect()
}

fn names(program: &Program, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["--list", "--format", "terse"], arguments].concat();
    let said = program.run(arguments).unwrap();
    let names = said.lines().into_iter().map(|line| line.strip_suffix(": test").unwrap().to_owned());
    names.collect()
}

fn id() -> ExperimentId {
    "chaos-tests::listing::cart::bears_latency".parse().unwrap()
}

fn fingerprint() -> Fingerprint {
    let trial = listed(listing()).remove(FIRST).unwrap();
    assert_eq!(trial.experiment, Some(id()));
    trial.fingerprint.unwrap()
}

/// Gives the experiment its second stage.
fn promote(program: &Program, fingerprint: &Fingerprint) {
    let first = trial(1, Verdict::Upheld);
    let by_hand = ByHand { to: 2, reason: "it is known to hold".to_owned(), by: "ada".to_owned() };
    append(program, fingerprint, Moment::from_millis(1_700_000_000_000), EventKind::Trial(first));
    append(program, fingerprint, Moment::now(), EventKind::Promoted(by_hand));
}

fn append(program: &Program, fingerprint: &Fingerprint, at: Moment, kind: EventKind) {
    let ledger = Ledger::open(program.folder().join("chaos/ledger"));
    ledger.append(vec![Event::new(id(), fingerprint.clone(), at, None, kind)]).unwrap();
}

fn trial(stage: usize, verdict: Verdict) -> TrialEvent {
    TrialEvent {
        stage,
        name: format!("stage {stage}"),
        of: 2,
        verdict,
        why: String::new(),
        seed: 7.into(),
        attempt: Attempt::FIRST,
        run: RunRef { id: "1".to_owned(), url: None },
        commit: None,
        policy: Policy::default(),
        needs_approval: stage > 1,
        approved_by: Some("ada".to_owned()),
    }
}

/// What is left out of a list, and why.
fn left_out(program: Program) -> BTreeMap<String, String> {
    let trials = listed(program).into_values();
    trials.filter_map(|trial| Some((trial.name, trial.left_out?))).collect()
}

#[test]
fn the_gate_runs_the_earned_stage_and_names_stay_as_they_are() {
    let (without, with) = (listing(), listing());
    promote(&with, &fingerprint());
    assert_eq!(names(&with, &[]), names(&without, &[]));
    assert!(names(&without, &["--ignored"]).contains(&SECOND.to_owned()));
    assert_eq!(names(&with, &["--ignored", "bears"]), [FIRST]);
    assert_eq!(names(&with, &["--include-ignored", "bears"]), [FIRST, SECOND]);
    assert_eq!(left_out(without)[SECOND], "not earned yet: stage 1 is earned");
    let left_out = left_out(with);
    assert_eq!(left_out[FIRST], "below the earned stage: stage 2 is earned");
    assert!(!left_out.contains_key(SECOND), "{left_out:?}");
}

#[test]
fn escalating_tries_the_next_stage_with_the_approval_that_it_needs() {
    let escalating = || listing().env("CHAOS_PROFILE", "escalate");
    let why = &left_out(escalating())[SECOND];
    assert!(why.starts_with("needs an approval: it reaches 100%, and more than 50% does"), "{why}");
    assert!(!left_out(escalating().env("CHAOS_APPROVED_BY", "ada")).contains_key(SECOND));
    let lenient = escalating();
    lenient.settings("[ledger]\napproval_over = \"100%\"\n").unwrap();
    let left_out = left_out(lenient);
    assert!(!left_out.contains_key(SECOND) && !left_out.contains_key(FIRST), "{left_out:?}");
}

#[test]
fn a_stage_that_was_refuted_is_left_alone_until_it_has_cooled_down() {
    let refuted = |program: &Program, at: Moment| {
        append(program, &fingerprint(), at, EventKind::Trial(trial(2, Verdict::Refuted)));
    };
    let approved = || listing().env("CHAOS_PROFILE", "escalate").env("CHAOS_APPROVED_BY", "ada");
    let (cooling, cool) = (approved(), approved());
    refuted(&cooling, Moment::now());
    refuted(&cool, Moment::from_millis(1_700_000_000_000));
    let why = &left_out(cooling)[SECOND];
    assert!(why.starts_with("cooling down until 2") && why.ends_with(" UTC: it was refuted"), "{why}");
    assert!(!left_out(cool).contains_key(SECOND));
}

#[test]
fn everything_runs_where_everything_is_asked_for_but_what_is_marked() {
    let left_out = left_out(listing().env("CHAOS_STAGES", "all"));
    let others = left_out.iter().filter(|(_, why)| !why.contains("cannot be provided here"));
    let names: Vec<_> = others.map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "cart::lasts::1_1_instance",
            "stock::is_left_out::1_1_instance",
            "stock::is_left_out::2_100_percent"
        ]
    );
}

#[test]
fn a_definition_that_changed_begins_at_the_first_stage_and_says_what_changed() {
    let program = listing();
    promote(&program, &"faults:000000000001".parse().unwrap());
    let why = &left_out(program)[SECOND];
    assert!(why.starts_with("not earned yet: stage 1 is earned again, since its "), "{why}");
    assert!(why.contains("faults") && why.ends_with(" changed"), "{why}");
}

#[test]
fn what_a_profile_makes_of_an_experiment_is_no_change_of_it() {
    let program = listing().env("CHAOS_DURATIONS", "2x").env("CHAOS_CONFIDENCE", "99%");
    promote(&program, &fingerprint());
    assert!(!left_out(program).contains_key(SECOND));
}

#[test]
fn a_ledger_that_cannot_be_read_proves_nothing_and_is_told_once() {
    let program = listing();
    promote(&program, &fingerprint());
    let folder = program.folder().join("chaos/ledger/chaos-tests/listing");
    let states = || fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let state = states().find(|path| path.extension().is_some_and(|kind| kind == "json")).unwrap();
    let another = folder.join("cart.is_refuted.json");
    for damage in ["{ nonsense", "<<<<<<< HEAD\n"] {
        fs::write(&state, damage).unwrap();
        fs::write(&another, damage).unwrap();
        let said = program.run(["--list", "--ignored", "cart::"]).unwrap();
        let listed: Vec<_> = said.lines().into_iter().filter(|line| line.contains("bears")).collect();
        assert_eq!(listed, [format!("{SECOND}: test")], "the first stage runs");
        let warnings: Vec<_> = said.stderr.lines().filter(|line| line.contains("warning")).collect();
        let [warning] = warnings.as_slice() else { panic!("one of a kind: {warnings:?}") };
        assert!(warning.contains("cart."), "{warning}");
        assert!(warning.ends_with("(and 1 more like it): the smallest stage runs instead"), "{warning}");
    }
    fs::write(&state, "{ \"schema\": 2 }").unwrap();
    let said = program.run(["--list"]).unwrap();
    assert_eq!(said.stderr.lines().filter(|line| line.contains("warning")).count(), 2, "{}", said.stderr);
    assert!(said.stderr.contains("a newer release"), "{}", said.stderr);
}

#[test]
fn a_ledger_that_is_named_and_not_there_is_told_and_proves_nothing() {
    let said = listing().env("CHAOS_LEDGER_DIR", "nowhere").run(["--list", "--ignored", "bears"]).unwrap();
    assert_eq!(said.lines(), [format!("{SECOND}: test")]);
    let warning = said.stderr.lines().find(|line| line.contains("warning")).unwrap();
    assert!(warning.contains("there is no ledger in /") && warning.contains("/nowhere: "), "{warning}");
}

#[test]
fn a_trial_leaves_evidence_of_what_it_came_to() {
    let variables = [
        ("GITHUB_RUN_ID", "4711"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "ada/shop"),
        ("GITHUB_SHA", "0123456789012345678901234567890123456789"),
        ("GITHUB_EVENT_NAME", "schedule"),
        ("GITHUB_REF", "refs/heads/main"),
        ("NEXTEST_ATTEMPT", "3"),
        ("CHAOS_PROFILE", "escalate"),
        ("CHAOS_SEED", "0xc0ffee"),
    ];
    let program = variables.into_iter().fold(listing(), |program, (name, value)| program.env(name, value));
    let payload = program.folder().join("event.json");
    fs::write(&payload, r#"{"repository": {"default_branch": "main"}}"#).unwrap();
    let program = program.env("GITHUB_EVENT_PATH", &payload);
    promote(&program, &fingerprint());
    program.run(["--exact", SECOND, UNSAID]).unwrap();

    let mut evidence = program.evidence();
    evidence.sort_by_key(|evidence| evidence.trial.clone());
    let [upheld, refuted] = evidence.as_slice() else { panic!("{evidence:#?}") };
    assert_eq!((upheld.trial.as_str(), refuted.trial.as_str()), (SECOND, UNSAID));
    for evidence in [upheld, refuted] {
        // On a machine with much else to do, the samples may not decide.
        let journal = program.folder().join("chaos").join(&evidence.journal);
        let report = fs::read(journal.with_file_name("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(serde_json::to_value(evidence.verdict).unwrap(), report["conclusion"]["verdict"]);
        let threshold = &report["facts"]["turbulence"]["thresholds"][0];
        let held = evidence.thresholds[0].held.map(|held| if held { "Holds" } else { "Violated" });
        assert_eq!(held.unwrap_or("Undecided"), threshold["decision"]);
        assert_eq!(evidence.why.is_empty(), evidence.verdict == Verdict::Upheld, "{}", evidence.why);
    }
    assert_eq!((&upheld.experiment, &upheld.fingerprint), (&id(), &fingerprint()));
    assert_eq!(upheld.location.file, "tests/src/bin/listing/cart.rs");
    let stage = &upheld.stage;
    assert_eq!((stage.number, stage.of, stage.asked.as_str(), stage.needs_approval), (2, 2, "100 %", true));
    let reached: Vec<_> = stage.reached.iter().map(|one| format!("{}: {}", one.service, one.text)).collect();
    assert_eq!(reached, ["echo: 2 of 2 (100 %)"]);
    assert!(stage.touched.is_some_and(|operations| operations.touched > 0), "{stage:?}");
    assert_eq!(upheld.thresholds[0].threshold, "p50 < 1s");
    assert_eq!((upheld.seed, upheld.profile.as_str()), (0x00c0_ffee.into(), "escalate"));
    assert_eq!(upheld.attempt, Attempt { run: 2, trial: 3 });
    assert_eq!(upheld.run.url.as_deref(), Some("https://github.com/ada/shop/actions/runs/4711"));
    assert_eq!(upheld.commit.as_deref(), Some("0123456789012345678901234567890123456789"));
    assert_eq!(upheld.origin.default_branch.as_deref(), Some("main"));
    assert_eq!(
        upheld.as_of,
        Ledger::open(program.folder().join("chaos/ledger")).state(&id()).unwrap().map(|state| state.as_of)
    );
    assert!(upheld.injected && !upheld.dirty && refuted.as_of.is_none());
    assert!(upheld.rerun.contains("CHAOS_PROFILE=escalate"), "{}", upheld.rerun);
    assert!(
        program
            .folder()
            .join("chaos/4711/chaos-tests.listing.cart.bears_latency/2_all%20of%20it-2.3.json")
            .is_file()
    );
}

#[test]
fn what_could_not_begin_leaves_no_evidence_and_what_could_not_start_its_services_does() {
    let asked = ["--include-ignored", "--exact"];
    let program = listing();
    let ran = program.run([&asked[..], &["stock::needs_an_image::1_20_percent"]].concat()).unwrap();
    assert_eq!((ran.code, program.evidence()), (Some(101), vec![]));

    let program = Program::new(env!("CARGO_BIN_EXE_listing"), "/bin/false").unwrap();
    let ran = program.run([&asked[..], &[FIRST]].concat()).unwrap();
    assert_eq!(ran.code, Some(101), "{}", ran.stdout);
    let evidence = program.evidence();
    let [evidence] = evidence.as_slice() else { panic!("{evidence:?}") };
    assert_eq!(evidence.verdict, Verdict::Error);
    assert!(evidence.why.contains("could not start"), "{}", evidence.why);
    assert!(evidence.stage.reached.is_empty());
}

#[test]
fn settings_that_mean_nothing_fail_before_anything_starts() {
    let program = listing();
    program.settings("[ledger]\ncool_down = \"72\"\n\n[profile.nightly]\ninherit = \"escalate\"\n").unwrap();
    let ran = program.run(["--exact", FIRST]).unwrap();
    assert_eq!(ran.code, Some(101), "{}", ran.stdout);
    assert!(ran.stderr.contains("chaos.toml:2:13: 72 of what?"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("2 | cool_down = \"72\"\n  |             ^^^^ write \"72h\""),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("chaos.toml:5:1: `inherit` is not known here: did you mean `inherits`?"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.is_empty() && !program.folder().join("chaos").exists());
}

#[test]
fn a_profile_stretches_the_phases_and_says_so_where_it_is_run_again() {
    let program = listing();
    program
        .settings("default_profile = \"short\"\nconfidence = \"90%\"\n[profile.short]\ndurations = \"0.5x\"\nseed = \"commit\"\n")
        .unwrap();
    // What it comes to is of no concern here.
    let program =
        program.env("CHAOS_NO_FAULT", "1").env("GITHUB_SHA", "0123456789012345678901234567890123456789");
    let report = |program: &Program| {
        program.run(["--exact", FIRST]).unwrap();
        let report = fs::read(program.trials().unwrap()[0].join("report.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&report).unwrap()
    };
    let (first, again) = (report(&program), report(&program));
    let load = &first["plan"]["definition"]["load"];
    assert_eq!(
        (&load["warmup"]["nanos"], &load["turbulence"]["nanos"]),
        (&50_000_000.into(), &150_000_000.into())
    );
    assert_eq!(first["plan"]["definition"]["confidence"], 900_000);
    assert_eq!(first["plan"]["seed"], again["plan"]["seed"], "a commit has one seed");
    let rerun = first["rerun"].as_str().unwrap();
    assert!(
        rerun.contains(
            " CHAOS_CONFIDENCE='90%' CHAOS_DURATIONS=0.5x CHAOS_NO_FAULT=1 CHAOS_PROFILE=short cargo "
        ),
        "{rerun}"
    );
}

#[test]
fn the_workspace_has_a_ladder_of_its_own() {
    let program = Program::new(env!("CARGO_BIN_EXE_verdicts"), env!("CARGO_BIN_EXE_echo-server")).unwrap();
    let one = |program: &Program| names(program, &["port_in_use"]);
    assert_eq!(one(&program), ["bad_input::port_in_use::1_single_instance"]);
    program.settings("[[stages]]\nname = \"a little\"\nscope = \"1 instance\"\n").unwrap();
    assert_eq!(one(&program), ["bad_input::port_in_use::1_a_little"]);
}
