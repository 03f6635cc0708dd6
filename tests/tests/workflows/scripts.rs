//! The scripts in workflows and actions, as a runner's shell runs them: with a `cargo` that only notes what it is asked for.

use super::file::{File, actions, root, workflows};
use chaos_tests::program::{Outcome, outcome};

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder in which a script runs, and what it may call.
pub(crate) struct Runner {
    folder: TempDir,
}

impl Runner {
    /// `programs` note what they are asked for, and then do as their script says.
    pub(crate) fn new(programs: &[(&str, &str)]) -> Self {
        let runner = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(runner.path("bin")).unwrap();
        for (name, then) in programs {
            let program = runner.path("bin").join(name);
            let noted = runner.path(&format!("{name}-calls"));
            let note =
                format!("#!/bin/bash\n(printf '%s\\0' \"$@\"; echo) >>'{}'\n{then}\n", noted.display());
            fs::write(&program, note).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        runner
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a script as GitHub's runner does.
    pub(crate) fn run(&self, script: &str, variables: &[(&str, &str)]) -> Outcome {
        let file = self.path("script.sh");
        fs::write(&file, script).unwrap();
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]).arg(&file);
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        command.env_clear().env("PATH", path).env("TOOLS", self.path("no-tools"));
        command.env("GITHUB_OUTPUT", self.path("output")).env("GITHUB_STEP_SUMMARY", self.path("summary"));
        command.envs(variables.iter().copied()).current_dir(self.folder.path());
        outcome(&mut command).unwrap()
    }

    /// What this program was asked for.
    pub(crate) fn calls(&self, program: &str) -> Vec<Vec<String>> {
        let Ok(noted) = fs::read_to_string(self.path(&format!("{program}-calls"))) else { return Vec::new() };
        // An argument may hold a line break; a call ends with an argument's end and one.
        let calls = noted.split_terminator("\0\n").filter(|call| !call.is_empty());
        calls.map(|call| call.split('\0').map(str::to_owned).collect()).collect()
    }

    fn output(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap_or_default()
    }
}

/// The script of a step of the action.
fn script(step: &str) -> String {
    let action = File::read(".github/actions/chaos/action.yml");
    action.step(step)["run"].as_str().unwrap().to_owned()
}

/// What `cargo` is asked for by a step of the action.
fn asked_for(step: &str, variables: &[(&str, &str)]) -> Vec<Vec<String>> {
    let runner = Runner::new(&[("cargo", "")]);
    let ran = runner.run(&script(step), variables);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!runner.path("pwned").exists());
    runner.calls("cargo")
}

#[test]
fn each_script_is_one() {
    let mut count = 0;
    for file in workflows().into_iter().chain(actions()) {
        for script in file.scripts() {
            let mut check = Command::new("bash");
            let checked = outcome(check.args(["-n", "-c"]).arg(&script.text)).unwrap();
            assert_eq!(checked.code, Some(0), "{}: {}", script.place, checked.stderr);
            count += 1;
        }
    }
    assert!(count > 30, "only {count} scripts were found");
}

/// Where it is installed, as in the gate: actionlint does not look into actions.
#[test]
fn shellcheck_finds_nothing_in_them() {
    let is_installed = Command::new("shellcheck").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !is_installed {
        eprintln!("skipped: shellcheck is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (number, script) in workflows().iter().chain(&actions()).flat_map(File::scripts).enumerate() {
        let path = folder.path().join(format!("{number}.sh"));
        fs::write(&path, format!("#!/bin/bash\n{}", script.text)).unwrap();
        // Their variables come from `env`, and may be spelt like those that are theirs.
        let checked = outcome(Command::new("shellcheck").arg("--exclude=SC2153").arg(&path)).unwrap();
        assert_eq!(checked.code, Some(0), "{}: {}", script.place, checked.stdout);
    }
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_done() {
    let ask = |mode, ledger| {
        let runner = Runner::new(&[]);
        let variables = [("MODE", mode), ("LEDGER", ledger), ("PARTITION", "hash:1/4")];
        let ran = runner.run(&script("Understand what is asked for"), &variables);
        (ran.code, runner.output())
    };
    assert_eq!(ask("gate", "tree"), (Some(0), "slug=gate-hash-1-4\n".to_owned()));
    assert_eq!(ask("record", "branch=a").0, Some(0));
    for (mode, ledger) in [("run", "tree"), ("", "tree"), ("gate", "branch="), ("gate", "*")] {
        assert_eq!(ask(mode, ledger), (Some(2), String::new()), "{mode} {ledger}");
    }
}

#[test]
fn the_gate_is_asked_for_with_its_share_and_hostile_words_stay_words() {
    let variables = [
        ("MODE", "gate"),
        ("LEDGER", "/tmp/ledger"),
        ("PACKAGES", "shop $(touch${IFS}pwned)"),
        ("PARTITION", "slice:1/2"),
        ("ARGS", "--profile ci ;touch pwned"),
    ];
    let calls = asked_for("Run the experiments", &variables);
    let expected = "chaos ci gate --ledger /tmp/ledger --package=shop --package=$(touch${IFS}pwned) -- \
                    --partition slice:1/2 --profile ci ;touch pwned";
    assert_eq!(calls, [expected.split(' ').map(str::to_owned).collect::<Vec<_>>()]);
}

#[test]
fn a_change_reads_the_ledger_of_its_base_and_all_else_what_is_there() {
    let fetch = |ledger, base| {
        let runner = Runner::new(&[("cargo", "exit 4")]);
        let folder = runner.path("ledger");
        let folder = folder.to_str().unwrap();
        let variables = [
            ("LEDGER", ledger),
            ("LEDGER_PATH", "chaos/ledger"),
            ("BASE", base),
            ("REMOTE", "https://github.com/a/b"),
            ("FOLDER", folder),
            ("CHAOS_TOKEN", "secret"),
        ];
        let ran = runner.run(&script("Fetch the ledger of the base"), &variables);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(!format!("{:?}", runner.calls("cargo")).contains("secret"));
        let from = runner.calls("cargo").first().map(|call| {
            // Not to be had is empty, with a warning.
            assert!(ran.stdout.contains("::warning"), "{}", ran.stdout);
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
            call.join(" ").rsplit_once(&format!("{folder} ")).unwrap().1.to_owned()
        });
        (from, runner.output().replace(folder, "FOLDER"))
    };
    let fetched = |from: &str| (Some(from.to_owned()), "where=FOLDER\n".to_owned());
    assert_eq!(fetch("branch", "main"), fetched("--branch chaos-ledger"));
    assert_eq!(fetch("branch=proofs", ""), fetched("--branch proofs"));
    assert_eq!(fetch("tree", "main"), fetched("--base main --path chaos/ledger"));
    assert_eq!(fetch("tree", "refs/heads/release/1"), fetched("--base release/1 --path chaos/ledger"));
    assert_eq!(fetch("tree", ""), (None, "where=tree\n".to_owned()));
}

#[test]
fn a_recorder_runs_a_release_and_never_what_is_checked_out() {
    let install = |mode, version| {
        let runner = Runner::new(&[("cargo", "mkdir -p target/debug && touch target/debug/cargo-chaos")]);
        let tools = runner.path("tools");
        fs::create_dir_all(tools.join("bin")).unwrap();
        let variables = [("MODE", mode), ("VERSION", version), ("TOOLS", tools.to_str().unwrap())];
        let ran = runner.run(&script("Install cargo chaos"), &variables);
        (ran.code, runner.calls("cargo").into_iter().map(|call| call.join(" ")).collect::<Vec<_>>())
    };
    assert_eq!(install("record", "checkout"), (Some(2), vec![]));
    let (code, calls) = install("record", "1.2.3");
    assert_eq!(code, Some(0));
    assert!(
        calls[0].starts_with("install chaos-harness --version 1.2.3 --features cli --locked"),
        "{calls:?}"
    );
    let (code, calls) = install("gate", "checkout");
    assert_eq!(code, Some(0));
    assert!(calls[0].starts_with("build -p chaos-harness"), "{calls:?}");
}

/// What the recorder asks for, with the ledger on a branch or in the tree.
fn recorded(ledger: &str) -> (Vec<Vec<String>>, String) {
    let runner = Runner::new(&[("cargo", "echo '{}'")]);
    let record = runner.path("record.json");
    let variables = [
        ("LEDGER", ledger),
        ("LEDGER_PATH", "chaos/ledger"),
        ("BASE", "main"),
        ("REMOTE", "https://github.com/a/b"),
        ("CHAOS_TOKEN", "secret"),
        ("RECORD", record.to_str().unwrap()),
    ];
    let ran = runner.run(&script("Record it"), &variables);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(record).unwrap(), "{}\n");
    assert_eq!(runner.output(), format!("file={}\n", runner.path("record.json").display()));
    (runner.calls("cargo"), fs::read_to_string(runner.path("summary")).unwrap_or_default())
}

#[test]
fn what_is_recorded_is_pushed_to_the_ledger_or_proposed() {
    let (calls, summary) = recorded("branch");
    assert!(calls[0].join(" ").contains("--push chaos-ledger --remote"), "{calls:?}");
    assert_eq!(summary, "");
    let (calls, summary) = recorded("tree");
    assert!(calls[0].join(" ").contains("--push chaos-promotions --base main --path chaos/ledger --remote"));
    assert!(summary.contains("https://github.com/a/b/compare/main...chaos-promotions?expand=1"), "{summary}");
}

/// The commands that the action and the documentation name are there, with these flags.
#[cfg(feature = "cli")]
#[test]
fn cargo_chaos_takes_what_it_is_given() {
    let fetch = [
        ("LEDGER", "tree"),
        ("LEDGER_PATH", "chaos/ledger"),
        ("BASE", "main"),
        ("REMOTE", "https://github.com/a/b"),
        ("FOLDER", "ledger"),
        ("CHAOS_TOKEN", "secret"),
    ];
    let branch = [&[("LEDGER", "branch=b")], &fetch[1..]].concat();
    let run = |mode| {
        [("MODE", mode), ("LEDGER", "tree"), ("PACKAGES", "a b"), ("PARTITION", "slice:1/2"), ("ARGS", "")]
    };
    let calls = [
        asked_for("Fetch the ledger of the base", &fetch),
        asked_for("Fetch the ledger of the base", &branch),
        asked_for("Run the experiments", &run("gate")),
        asked_for("Run the experiments", &run("escalate")),
        asked_for("Summarise it", &[]),
        recorded("tree").0,
        recorded("branch").0,
    ];
    for call in calls.concat() {
        let (chaos, arguments) = call.split_first().unwrap();
        assert_eq!(chaos, "chaos");
        let own = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
        // Its help comes where all before it was understood.
        let arguments = arguments[..own].iter().map(String::as_str).chain(["--help"]);
        let ran = chaos_tests::cargo_chaos::run(arguments).unwrap();
        assert_eq!(ran.code, Some(0), "{call:?}: {}", ran.stderr);
    }
}

/// The scripts of a workflow's own, which are plain commands but for one.
#[test]
fn images_are_pulled_one_by_one() {
    for name in ["chaos-gate", "chaos-nightly"] {
        let file = File::read(&format!(".github/workflows/{name}.yml"));
        let script = file.step("Pull images")["run"].as_str().unwrap().to_owned();
        let runner = Runner::new(&[("docker", "")]);
        assert_eq!(runner.run(&script, &[("IMAGES", "redis:7 a/b;c")]).code, Some(0));
        assert_eq!(runner.calls("docker"), [["pull", "--quiet", "redis:7"], ["pull", "--quiet", "a/b;c"]]);
    }
}

/// Whether a reader of the documentation finds each way there is: the words are those of the files.
#[test]
fn the_documentation_names_the_inputs_there_are() {
    let text = fs::read_to_string(root().join("docs/ci.md")).unwrap();
    let action = File::read(".github/actions/chaos/action.yml");
    let inputs = action.value["inputs"].as_object().unwrap();
    for name in inputs.keys() {
        assert!(text.contains(&format!("`{name}`")), "docs/ci.md does not name the input {name}");
    }
    let is_file = |path: &str| Path::new(&root()).join(path).is_file();
    for workflow in ["chaos-gate", "chaos-nightly", "chaos-record"] {
        assert!(
            text.contains(workflow) && is_file(&format!(".github/workflows/{workflow}.yml")),
            "{workflow}"
        );
    }
}
