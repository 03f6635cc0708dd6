//! `cargo chaos ci gate`, `escalate` and `summary`, with GitHub's variables and files.

use super::trials::experiments;
use chaos_tests::program::{Outcome, outcome};
use chaos_tests::scratch::Scratch;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A step of a job: its files, and what its runner made of its output.
struct Step {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    summary: String,
    output: String,
    /// The commands that the runner carried out, as they were written.
    commands: Vec<String>,
}

/// Runs a step as GitHub's runner does.
fn step(scratch: &Scratch, line: &str, variables: &[(&str, &str)]) -> Step {
    let folder = scratch.results().with_file_name("step");
    fs::create_dir_all(&folder).unwrap();
    let [summary, output] = ["summary", "output"].map(|name| folder.join(name));
    for file in [&summary, &output] {
        fs::write(file, "").unwrap();
    }
    let mut command = scratch.chaos(line.split(' ')).unwrap();
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", scratch.path());
    command.env("GITHUB_STEP_SUMMARY", &summary).env("GITHUB_OUTPUT", &output);
    command.envs(variables.iter().copied());
    let Outcome { code, stdout, stderr } = outcome(&mut command).unwrap();
    // The two are read side by side: what is on standard error may come at any time.
    let commands = [carried_out(&stdout), carried_out(&stderr)].concat();
    let read = |file: &PathBuf| fs::read_to_string(file).unwrap();
    Step { code, stdout, stderr, summary: read(&summary), output: read(&output), commands }
}

/// What the runner takes for a command: `::` after blanks, or `##[` anywhere; none between `::stop-commands::token` and
/// `::token::`. It ends lines at returns, too.
fn carried_out(output: &str) -> Vec<String> {
    let mut stopped: Option<String> = None;
    let mut commands = Vec::new();
    for line in output.split(['\n', '\r']) {
        let text = line.trim_start();
        if let Some(token) = &stopped {
            if text == format!("::{token}::") {
                stopped = None;
            }
        } else if let Some(token) = text.strip_prefix("::stop-commands::") {
            stopped = Some(token.to_owned());
        } else if text.starts_with("::") || text.contains("##[") {
            commands.push(text.to_owned());
        }
    }
    assert_eq!(stopped, None, "commands are taken again at the end");
    commands
}

/// An output of a step.
fn output(step: &Step, name: &str) -> String {
    let mut lines = step.output.lines();
    let head = lines.by_ref().find(|line| line.starts_with(&format!("{name}<<"))).unwrap();
    let end = head.split_once("<<").unwrap().1;
    lines.take_while(|line| *line != end).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_gate_tells_the_runner_what_was_refuted_and_nothing_that_trials_print() {
    let scratch = experiments();
    let variables = [("GITHUB_EVENT_NAME", "push"), ("CHAOS_TEST_TOKEN", "hunter2")];
    let gate = step(&scratch, "ci gate --token-env CHAOS_TEST_TOKEN -- --no-capture", &variables);
    assert_eq!(gate.code, Some(1), "{}{}", gate.stdout, gate.stderr);
    for hostile in ["::error file=src/lib.rs,line=1::by standard output", "##[error]by standard error"] {
        assert!(gate.stdout.contains(hostile), "it is shown as it is: {}", gate.stdout);
    }
    assert!(gate.stdout.contains("the token is Err(NotPresent)"), "{}", gate.stdout);
    let [error, warning] = gate.commands.as_slice() else { panic!("{:?}", gate.commands) };
    let place = |name: &str| {
        let text = scratch.read("tests/chaos.rs").unwrap();
        let function = text.lines().position(|line| line.starts_with(&format!("async fn {name}("))).unwrap();
        let attribute = text.lines().take(function).collect::<Vec<_>>();
        attribute.iter().rposition(|line| line.starts_with("#[chaos_test(")).unwrap() + 1
    };
    let begins = |name| format!("file=tests/chaos.rs,line={},title=", place(name));
    assert!(
        error.starts_with(&format!(
            "::error {}refuted%3A is_refuted%3A%3A1_100_percent::",
            begins("is_refuted")
        )),
        "{error}"
    );
    assert!(error.contains("p50 < 300ms: ") && error.contains("%0Arun again: CHAOS_SEED="), "{error}");
    assert!(
        warning.starts_with(&format!("::warning {}unsteady%3A is_unsteady", begins("is_unsteady"))),
        "{warning}"
    );

    assert!(
        gate.summary.starts_with("### Chaos experiments: 1 refuted, 1 unsteady, 1 upheld\n"),
        "{}",
        gate.summary
    );
    assert_eq!(
        gate.summary.lines().filter(|line| line.starts_with("| <code>greeter")).count(),
        3,
        "{}",
        gate.summary
    );
    assert_eq!((output(&gate, "outcome"), output(&gate, "trials")), ("refuted".to_owned(), "3".to_owned()));
    assert_eq!(output(&gate, "evidence"), scratch.results().join("chaos").display().to_string());

    let in_json = step(&scratch, "ci gate is_refuted --format json -- --no-capture", &[]);
    assert_eq!(in_json.code, Some(1));
    let report: Value = serde_json::from_str(&in_json.stdout).unwrap();
    assert_eq!(report["trials"][0]["verdict"], "refuted");
    assert_eq!(in_json.commands.len(), 1, "{:?}", in_json.commands);

    let here = outcome(&mut scratch.chaos(["ci", "gate", "holds"]).unwrap()).unwrap();
    assert_eq!(here.code, Some(0));
    assert!(!here.stdout.contains("::stop-commands::"), "there is no runner: {}", here.stdout);
}

#[test]
fn a_summary_is_of_all_evidence_whatever_it_says() {
    let scratch = experiments();
    let ran = outcome(&mut scratch.chaos(["run", "holds"]).unwrap()).unwrap();
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let folder = scratch.results().with_file_name("artifacts");
    let evidence = evidence_below(&scratch.results().join("chaos"));
    let mut one: Value = serde_json::from_slice(&fs::read(&evidence[0]).unwrap()).unwrap();
    one["verdict"] = "refuted".into();
    for number in 0..25 {
        one["why"] = format!("{number}\r\n::error::x\n| <img src=x> `@all` ![i](u)").into();
        one["stage"]["name"] = "a|b".into();
        let shard = folder.join(format!("shard-{number}"));
        fs::create_dir_all(&shard).unwrap();
        fs::write(shard.join("1_half-1.1.json"), one.to_string()).unwrap();
    }
    fs::write(folder.join("shard-0/2_broken-1.1.json"), "{\"schema\": 1, \"::error::y").unwrap();

    let line = format!("ci summary --evidence {}", folder.display());
    let summary = step(&scratch, &line, &[]);
    assert_eq!(summary.code, Some(0), "{}", summary.stderr);
    assert_eq!(summary.commands.len(), 11, "{:?}", summary.commands);
    assert!(
        summary.commands[..10].iter().all(|command| command.starts_with("::error file=tests/chaos.rs,line="))
    );
    assert!(summary.commands[10].starts_with("::notice title=chaos::15 more"), "{}", summary.commands[10]);
    let rows: Vec<_> = summary.summary.lines().filter(|line| line.starts_with("| <code>")).collect();
    assert_eq!(rows.len(), 25);
    assert!(rows.iter().all(|row| row.matches(" | ").count() == 6 && !row.contains("a|b")), "{}", rows[0]);
    for markup in ["<img", "`@", "![", "@all"] {
        assert!(!summary.summary.contains(markup), "{markup}");
    }
    assert!(
        summary.summary.contains("Not taken for evidence:")
            && summary.summary.contains("shard-0/2&#95;broken"),
        "{}",
        summary.summary
    );

    let words = line.split(' ');
    let here = outcome(&mut scratch.chaos(words).unwrap()).unwrap();
    assert!(here.stdout.starts_with("### Chaos experiments: 25 refuted\n"), "{}", here.stdout);
    assert_eq!(carried_out(&here.stdout), [""; 0]);
    let nowhere = outcome(&mut scratch.chaos(["ci", "summary", "--evidence", "nowhere"]).unwrap()).unwrap();
    assert_eq!(nowhere.code, Some(4));
}

/// The files of evidence below a folder.
fn evidence_below(runs: &Path) -> Vec<PathBuf> {
    let folders = |folder: &Path| {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect::<Vec<_>>()
    };
    let experiments = folders(runs).into_iter().flat_map(|run| folders(&run));
    let files =
        experiments.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    files.filter(|path| path.to_string_lossy().ends_with("-1.1.json")).collect()
}

fn git(folder: &Path, line: &str) {
    chaos_tests::git::said(folder, line.split(' ')).unwrap();
}

#[test]
fn a_change_is_gated_by_the_ledger_of_its_base_and_not_by_its_own() {
    let scratch = experiments();
    let remote = scratch.results().with_file_name("remote.git");
    git(scratch.results().parent().unwrap(), "init --quiet --bare --initial-branch=main remote.git");
    let at = scratch.path();
    git(&at, "init --quiet --initial-branch=main");
    // Cargo.lock is as the build leaves it.
    assert_eq!(step(&scratch, "list", &[]).code, Some(0));
    git(&at, &format!("remote add origin {}", remote.display()));
    git(&at, "add .");
    git(&at, "commit --quiet -m experiments");

    // The second stage of one experiment is earned in the base, by hand.
    let night = step(&scratch, "ci escalate holds", &[("GITHUB_EVENT_NAME", "schedule")]);
    assert_eq!(
        (night.code, output(&night, "trials")),
        (Some(0), "2".to_owned()),
        "{}{}",
        night.stdout,
        night.stderr
    );
    let evidence = output(&night, "evidence");
    let recorded =
        step(&scratch, &format!("ci record --evidence {evidence}"), &[("GITHUB_EVENT_NAME", "schedule")]);
    assert_eq!(recorded.code, Some(0), "{}", recorded.stderr);
    let promoted = step(&scratch, "promote greeter::chaos::holds --to 2 --reason tried", &[]);
    assert_eq!(promoted.code, Some(0), "{}", promoted.stderr);
    git(&at, "add .");
    git(&at, "commit --quiet -m promoted");
    git(&at, "push --quiet origin main");

    // The change takes it back, for itself.
    git(&at, "checkout --quiet -b change");
    fs::remove_dir_all(at.join("chaos/ledger")).unwrap();
    git(&at, "add .");
    git(&at, "commit --quiet -m change");
    let trial = |step: &Step| {
        let report: Value = serde_json::from_str(&step.stdout).unwrap();
        report["trials"].as_array().unwrap().iter().map(|trial| trial["trial"].clone()).collect::<Vec<_>>()
    };
    let change = [("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", "main")];
    let gate = step(&scratch, "ci gate holds --format json", &change);
    assert_eq!(gate.code, Some(0), "{}", gate.stderr);
    assert_eq!(trial(&gate), ["holds::2_50_percent"]);
    assert!(!at.join("chaos/ledger").exists(), "it is read only");
    let own = step(&scratch, "ci gate holds --format json", &[("GITHUB_EVENT_NAME", "push")]);
    assert_eq!(trial(&own), ["holds::1_20_percent"]);

    // Nor does a state that someone wrote, whose events say otherwise.
    git(&at, "checkout --quiet main");
    let state = at.join("chaos/ledger/greeter/chaos/holds.json");
    let earned = fs::read_to_string(&state).unwrap();
    assert!(earned.contains("\"number\": 2"), "{earned}");
    let demoted = step(&scratch, "demote greeter::chaos::holds --to 1 --reason tried", &[]);
    assert_eq!(demoted.code, Some(0), "{}", demoted.stderr);
    fs::write(&state, &earned).unwrap();
    let push = step(&scratch, "ci gate holds --format json", &[("GITHUB_EVENT_NAME", "push")]);
    assert_eq!((push.code, trial(&push)), (Some(0), vec!["holds::1_20_percent".into()]), "{}", push.stderr);
    let [warning] = push.commands.as_slice() else { panic!("{:?}", push.commands) };
    assert!(warning.contains("it says that stage 2 is earned, and its events say 1"), "{warning}");
    assert_eq!(fs::read_to_string(&state).unwrap(), earned, "it is read only");

    // A base that cannot be read proves nothing.
    fs::remove_dir_all(&remote).unwrap();
    let gate = step(&scratch, "ci gate holds --format json", &change);
    assert_eq!((gate.code, trial(&gate)), (Some(0), vec!["holds::1_20_percent".into()]), "{}", gate.stderr);
    let [warning] = gate.commands.as_slice() else { panic!("{:?}", gate.commands) };
    assert!(warning.starts_with("::warning title=the ledger is not read as it is::"), "{warning}");
    let nameless = step(&scratch, "ci gate", &[("GITHUB_EVENT_NAME", "pull_request")]);
    assert_eq!(nameless.code, Some(4));
    assert!(nameless.stderr.contains("GITHUB_BASE_REF is empty"), "{}", nameless.stderr);
}
