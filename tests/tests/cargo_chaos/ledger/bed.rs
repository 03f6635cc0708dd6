//! A repository elsewhere, and evidence for it.

use chaos_harness::Seed;
use chaos_harness::experiment::Verdict;
use chaos_harness::ledger::{
    Attempt, Digest, Evidence, EvidenceStage, ExperimentId, Fingerprint, Ledger, Moment, Origin, Part,
    Policy, RunRef, SourceLocation, State,
};
use chaos_tests::cargo_chaos::command;
use chaos_tests::program::{Outcome, outcome};
use serde_json::Value;
use std::ffi::OsStr;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A bare repository, and a folder for all else.
pub(super) struct Bed {
    folder: TempDir,
}

impl Bed {
    pub(super) fn new() -> Self {
        let bed = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(bed.at("home")).unwrap();
        bed.git(&["init", "--quiet", "--bare", "--initial-branch=main", "remote.git"]);
        bed
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn remote(&self) -> String {
        self.at("remote.git").display().to_string()
    }

    /// A commit on a branch of the remote, from a clone that is left behind.
    pub(super) fn commit(&self, branch: &str, file: &str, text: &str) -> PathBuf {
        let clone = self.at("clone");
        if !clone.exists() {
            self.git(&["clone", "--quiet", "remote.git", "clone"]);
        }
        let git = |arguments: &[&str]| git_in(&clone, arguments);
        git(&["fetch", "--quiet", "origin"]);
        let tip = format!("origin/{branch}");
        let is_there = !git(&["branch", "--remotes", "--list", &tip]).is_empty();
        let checkout = ["checkout", "-q", "-B", branch, &tip];
        git(&checkout[..if is_there { 5 } else { 4 }]);
        let path = clone.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "change"]);
        git(&["push", "-q", "origin", branch]);
        clone
    }

    /// Git, in the folder of all.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        git_in(self.folder.path(), arguments)
    }

    /// `cargo chaos`, in a folder.
    pub(super) fn command(&self, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = command(arguments).unwrap();
        quiet(&mut command, &self.at("home"));
        command.current_dir(folder);
        command
    }

    pub(super) fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Outcome {
        outcome(&mut self.command(self.folder.path(), arguments)).unwrap()
    }

    /// The arguments that record this evidence in the ledger's branch of the remote.
    pub(super) fn record_to_branch(&self, evidence: &str) -> Vec<String> {
        self.record_to("chaos-ledger", evidence)
    }

    /// The arguments that propose this evidence's record on a branch, for the tree of `main`.
    pub(super) fn record_for_main(&self, branch: &str, evidence: &str) -> Vec<String> {
        let mut arguments = self.record_to(branch, evidence);
        arguments.extend(["--base", "main"].map(str::to_owned));
        arguments
    }

    fn record_to(&self, branch: &str, evidence: &str) -> Vec<String> {
        let remote = self.remote();
        let arguments = ["ci", "record", "--evidence", evidence, "--remote", &remote, "--push", branch];
        arguments.map(str::to_owned).to_vec()
    }

    /// What a command says that does what it is asked.
    pub(super) fn done(&self, arguments: &[impl AsRef<OsStr> + Debug]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "{arguments:?}: {}", outcome.stderr);
        outcome.stdout
    }

    pub(super) fn json(&self, arguments: &[impl AsRef<OsStr> + Debug]) -> Value {
        let mut arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        arguments.extend(["--format", "json"].map(OsStr::new));
        serde_json::from_str(&self.done(&arguments)).unwrap()
    }

    /// The ledger that a commit of the remote has, or a folder of it.
    pub(super) fn ledger_of(&self, what: &str) -> Ledger {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let archive = self.at("archive.tar");
        git_in(&self.at("remote.git"), &["archive", "-o", &archive.display().to_string(), what]);
        let unpacked = Command::new("tar").arg("-xf").arg(&archive).current_dir(&folder).status();
        assert!(unpacked.unwrap().success());
        Ledger::open(folder)
    }

    /// Where the experiment stands in the ledger of the remote.
    pub(super) fn state_of(&self, what: &str) -> State {
        let ledger = self.ledger_of(what);
        assert_eq!(ledger.verify().unwrap(), []);
        ledger.state(&experiment()).unwrap().unwrap()
    }

    /// Writes evidence into a folder of its own name, and returns that.
    pub(super) fn leave<'a>(&self, folder: &str, evidence: impl IntoIterator<Item = &'a Evidence>) -> String {
        let runs = self.at(folder);
        for evidence in evidence {
            evidence.write(&runs).unwrap();
        }
        runs.display().to_string()
    }
}

/// Git, in this folder.
pub(super) fn git_in(folder: &Path, arguments: &[&str]) -> String {
    chaos_tests::git::said(folder, arguments).unwrap()
}

/// Takes away what the machine and its user say.
fn quiet(command: &mut Command, home: &Path) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("GITHUB_") || text.starts_with("GIT_") {
            command.env_remove(&name);
        }
    }
    command.env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1").env_remove("XDG_CONFIG_HOME");
    command.env("USER", "ada");
}

pub(super) fn experiment() -> ExperimentId {
    ExperimentId::new("shop", "chaos", "cart::slow_redis").unwrap()
}

/// What a trial of a stage left, that was upheld in a run on the default branch so many days ago.
pub(super) fn trial(stage: usize, run: &str, days_ago: u32) -> Evidence {
    Evidence {
        schema: Evidence::SCHEMA,
        experiment: experiment(),
        location: SourceLocation { file: "tests/chaos.rs".to_owned(), line: 12 },
        fingerprint: Fingerprint::new([(Part::Body, Digest::of(b"1"))]),
        stage: EvidenceStage {
            number: stage,
            name: format!("stage_{stage}"),
            of: 3,
            asked: "5%".to_owned(),
            reached: Vec::new(),
            touched: None,
            risk: None,
            needs_approval: false,
        },
        trial: format!("cart::slow_redis::{stage}_stage_{stage}"),
        profile: "escalate".to_owned(),
        verdict: Verdict::Upheld,
        why: String::new(),
        thresholds: Vec::new(),
        seed: Seed::new(7),
        attempt: Attempt::FIRST,
        at: ago(days_ago),
        as_of: None,
        run: RunRef { id: run.to_owned(), url: None },
        commit: Some(format!("{}00000000", Digest::of(run.as_bytes()))),
        dirty: false,
        origin: Origin {
            event: Some("schedule".to_owned()),
            git_ref: Some("refs/heads/main".to_owned()),
            default_branch: Some("main".to_owned()),
            repository: Some("shop/shop".to_owned()),
        },
        policy: Policy::default(),
        approved_by: None,
        injected: true,
        journal: String::new(),
        rerun: String::new(),
    }
}

/// The moment so many days ago: the same each time it is asked for.
fn ago(days: u32) -> Moment {
    static NOW: LazyLock<Moment> = LazyLock::new(Moment::now);
    let days = u64::try_from((DAY * days).as_millis()).unwrap();
    Moment::from_millis(NOW.as_millis() - days)
}

pub(super) fn refuted(evidence: Evidence) -> Evidence {
    Evidence { verdict: Verdict::Refuted, why: "p99 was 900ms".to_owned(), ..evidence }
}

/// A night that upholds stage 2, and the first.
pub(super) fn night(run: &str, days_ago: u32) -> [Evidence; 2] {
    [trial(1, run, days_ago), trial(2, run, days_ago)]
}

/// Three nights: enough for stage 2.
pub(super) fn nights() -> Vec<Evidence> {
    [night("n1", 9), night("n2", 8), night("n3", 7)].concat()
}
