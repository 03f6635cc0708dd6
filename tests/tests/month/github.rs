//! A repository on a server, and the runners that work for it: their checkouts, and what GitHub tells them.

use crate::shop::{self, Code, Experiment};
use chaos_tests::cargo_chaos;
use chaos_tests::program::{Outcome, outcome};
use chaos_tests::scratch::share_builds;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The server, and the developer who pushes to it.
pub(crate) struct GitHub {
    folder: TempDir,
    runs: std::cell::Cell<u64>,
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// A pull request of this branch.
    PullRequest(&'static str),
    /// The queue of what is about to be merged, at this branch.
    MergeGroup(&'static str),
    /// Something was merged.
    Push,
    /// The night.
    Schedule,
}

/// A run of CI on one runner.
pub(crate) struct Run<'a> {
    github: &'a GitHub,
    trigger: Trigger,
    id: u64,
    checkout: PathBuf,
    /// What the runner's disk has for this run alone.
    pub(crate) disk: PathBuf,
}

impl GitHub {
    /// A server with an empty repository, and a developer with the project's first commit.
    pub(crate) fn new() -> Self {
        let github = Self { folder: tempfile::tempdir().unwrap(), runs: std::cell::Cell::new(1_000) };
        git(github.folder.path(), ["init", "--quiet", "--bare", "--initial-branch=main", "origin.git"]);
        // What runners fetch is shallow, also over a path.
        let laptop = github.laptop();
        git(github.folder.path(), ["clone", "--quiet", "origin.git", "laptop"]);
        git(&laptop, ["switch", "--quiet", "-c", "main"]);
        for folder in ["src", "tests", ".config"] {
            fs::create_dir(laptop.join(folder)).unwrap();
        }
        fs::write(laptop.join("Cargo.toml"), shop::manifest()).unwrap();
        fs::write(laptop.join("chaos.toml"), shop::SETTINGS).unwrap();
        fs::write(laptop.join(".config/nextest.toml"), shop::NEXTEST).unwrap();
        fs::write(laptop.join("src/lib.rs"), Code::Healthy.source()).unwrap();
        fs::write(laptop.join("tests/chaos.rs"), "fn main() {}\n").unwrap();
        // The versions are this workspace's own, which are here already.
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock"), laptop.join("Cargo.lock"))
            .unwrap();
        let mut lock = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        lock.args(["update", "--offline", "--workspace", "--quiet"]).current_dir(&laptop);
        let locked = outcome(&mut lock).unwrap();
        assert_eq!(locked.code, Some(0), "{}", locked.stderr);
        github.commit("Greet", "main");
        github
    }

    /// Where the developer works.
    pub(crate) fn laptop(&self) -> PathBuf {
        self.folder.path().join("laptop")
    }

    pub(crate) fn origin(&self) -> PathBuf {
        self.folder.path().join("origin.git")
    }

    /// Commits all there is to a branch, and pushes it.
    pub(crate) fn commit(&self, message: &str, branch: &str) {
        let laptop = self.laptop();
        git(&laptop, ["add", "--all"]);
        git(&laptop, ["commit", "--quiet", "--allow-empty", "-m", message]);
        git(&laptop, ["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
    }

    /// Pushes a change to a branch that starts at the tip of `main`.
    pub(crate) fn propose(&self, branch: &'static str, change: impl FnOnce(&Path)) -> Trigger {
        git(&self.laptop(), ["switch", "--quiet", "--force-create", branch, "main"]);
        change(&self.laptop());
        self.commit(branch, branch);
        Trigger::PullRequest(branch)
    }

    /// Merges a branch that was proposed.
    pub(crate) fn merge(&self, branch: &str) {
        git(&self.laptop(), ["switch", "--quiet", "main"]);
        git(&self.laptop(), ["merge", "--quiet", "--no-ff", "-m", &format!("Merge {branch}"), branch]);
        git(&self.laptop(), ["push", "--quiet", "origin", "main"]);
    }

    /// Drops what is not to be merged.
    pub(crate) fn close(&self, branch: &str) {
        git(&self.laptop(), ["switch", "--quiet", "main"]);
        git(&self.laptop(), ["branch", "--quiet", "-D", branch]);
    }

    /// Merges a change of the code.
    pub(crate) fn merge_code(&self, branch: &'static str, code: Code) {
        self.propose(branch, |laptop| write_code(laptop, code));
        self.merge(branch);
    }

    /// A run of its own, on the usual runner.
    pub(crate) fn run(&self, trigger: Trigger) -> Run<'_> {
        self.runs.set(self.runs.get() + 1);
        self.shard(trigger, self.runs.get(), "runner")
    }

    /// One job of a run, on a runner of this name.
    pub(crate) fn shard(&self, trigger: Trigger, id: u64, runner: &str) -> Run<'_> {
        let checkout = self.folder.path().join(runner);
        let disk = self.disks().join(format!("{runner}-{id}"));
        fs::create_dir_all(&disk).unwrap();
        if !checkout.is_dir() {
            fs::create_dir(&checkout).unwrap();
            git(&checkout, ["init", "--quiet"]);
            git(&checkout, ["remote", "add", "origin", &self.url()]);
        }
        // As actions/checkout does it: one commit, and no branch.
        git(&checkout, ["fetch", "--quiet", "--depth=1", "origin", trigger.branch()]);
        git(&checkout, ["checkout", "--quiet", "--force", "--detach", "FETCH_HEAD"]);
        Run { github: self, trigger, id, checkout, disk }
    }

    /// Where the disks of all runners are.
    pub(crate) fn disks(&self) -> PathBuf {
        self.folder.path().join("disks")
    }

    /// The next run's number.
    pub(crate) fn next_id(&self) -> u64 {
        self.runs.set(self.runs.get() + 1);
        self.runs.get()
    }

    fn url(&self) -> String {
        format!("file://{}", self.origin().display())
    }

    /// A file of the ledger, as the server has it.
    pub(crate) fn ledger(&self, file: &str) -> Option<String> {
        chaos_tests::git::asked(&self.origin(), ["show", &format!("chaos-ledger:{file}")]).unwrap()
    }

    /// What the ledger says of the experiment.
    pub(crate) fn state(&self) -> Value {
        serde_json::from_str(&self.ledger(shop::STATE).expect("the experiment is in the ledger")).unwrap()
    }

    /// How many events the ledger has of it.
    pub(crate) fn events(&self) -> usize {
        self.ledger(shop::EVENTS).map_or(0, |events| events.lines().count())
    }

    /// The commit that the ledger's branch is at.
    pub(crate) fn ledger_tip(&self) -> Option<String> {
        chaos_tests::git::asked(&self.origin(), ["rev-parse", "--verify", "--quiet", "chaos-ledger"]).unwrap()
    }

    /// What the server does with a push: a hook of git's.
    pub(crate) fn on_push(&self, hook: Option<&str>) {
        let path = self.origin().join("hooks/update");
        let Some(script) = hook else { return fs::remove_file(path).unwrap() };
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
}

pub(crate) fn write_code(laptop: &Path, code: Code) {
    fs::write(laptop.join("src/lib.rs"), code.source()).unwrap();
}

pub(crate) fn write_experiment(laptop: &Path, experiment: &Experiment) {
    fs::write(laptop.join("tests/chaos.rs"), experiment.source()).unwrap();
}

impl Trigger {
    fn branch(self) -> &'static str {
        match self {
            Self::PullRequest(branch) | Self::MergeGroup(branch) => branch,
            Self::Push | Self::Schedule => "main",
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::PullRequest(_) => "pull_request",
            Self::MergeGroup(_) => "merge_group",
            Self::Push => "push",
            Self::Schedule => "schedule",
        }
    }

    fn git_ref(self) -> String {
        match self {
            Self::PullRequest(_) => "refs/pull/7/merge".to_owned(),
            Self::MergeGroup(branch) => format!("refs/heads/gh-readonly-queue/main/{branch}"),
            Self::Push | Self::Schedule => "refs/heads/main".to_owned(),
        }
    }
}

impl Run<'_> {
    /// `cargo chaos ci`, as a step of the workflow runs it.
    pub(crate) fn ci<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = cargo_chaos::command(["ci"]).unwrap();
        command.args(arguments).current_dir(&self.checkout);
        self.tell(&mut command);
        command
    }

    /// What GitHub tells each step, and what is the same on each runner here.
    fn tell(&self, command: &mut Command) {
        let payload = self.disk.join("event.json");
        let mut event = json!({"repository": {"default_branch": "main", "full_name": "acme/shop"}});
        if let Trigger::MergeGroup(_) = self.trigger {
            event["merge_group"] = json!({"base_ref": "refs/heads/main"});
        }
        fs::write(&payload, event.to_string()).unwrap();
        let base = if let Trigger::PullRequest(_) = self.trigger { "main" } else { "" };
        let sha = git(&self.checkout, ["rev-parse", "HEAD"]);
        command
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", self.trigger.event())
            .env("GITHUB_EVENT_PATH", payload)
            .env("GITHUB_REF", self.trigger.git_ref())
            .env("GITHUB_BASE_REF", base)
            .env("GITHUB_SHA", sha)
            .env("GITHUB_RUN_ID", self.id.to_string())
            .env("GITHUB_RUN_ATTEMPT", "1")
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_REPOSITORY", "acme/shop")
            .env("GITHUB_WORKSPACE", &self.checkout)
            .env("GITHUB_STEP_SUMMARY", self.disk.join("summary.md"))
            .env("GITHUB_OUTPUT", self.disk.join("output"))
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .env("CHAOS_TARGET_DIR", &self.disk);
        share_builds(command);
    }

    /// The gate of a change, with the ledger of its base.
    pub(crate) fn gate(&self) -> Outcome {
        outcome(&mut self.ci(["gate", "--ledger", "branch"])).unwrap()
    }

    /// A night: the earned stage, and the next, however far that reaches.
    pub(crate) fn escalate<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        let mut escalate = self.ci(["escalate", "--ledger", "branch"]);
        outcome(escalate.args(arguments).env("CHAOS_APPROVED_BY", "a reviewer of chaos-approval")).unwrap()
    }

    /// The same, of which nobody has approved.
    pub(crate) fn escalate_unapproved(&self) -> Outcome {
        outcome(&mut self.ci(["escalate", "--ledger", "branch"])).unwrap()
    }

    /// Its number, as evidence has it.
    pub(crate) fn id(&self) -> String {
        self.id.to_string()
    }

    /// Where its evidence is.
    pub(crate) fn evidence(&self) -> PathBuf {
        self.disk.join("chaos")
    }

    /// The recorder's command, with the evidence in this folder.
    pub(crate) fn recorder(&self, evidence: &Path) -> Command {
        let mut command =
            self.ci(["record", "--format=json", "--push=chaos-ledger", "--remote", &self.github.url()]);
        command.arg("--evidence").arg(evidence);
        // It runs none of the repository's code, and needs no checkout.
        command.current_dir(&self.disk);
        command
    }

    /// Records its own evidence: what changed.
    pub(crate) fn record(&self) -> Value {
        said(&outcome(&mut self.recorder(&self.evidence())).unwrap())
    }

    /// The stages that ran, with what each came to.
    pub(crate) fn trials(&self) -> Vec<String> {
        let mut files = Vec::new();
        let runs = self.evidence();
        for run in fs::read_dir(&runs).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if run.is_symlink() || !run.is_dir() {
                continue;
            }
            let experiments = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
            for experiment in experiments.filter(|path| path.ends_with("shop.chaos.survives_a_slow_greeter"))
            {
                files.extend(fs::read_dir(experiment).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        let told = files.iter().map(|file| {
            let evidence: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
            format!(
                "{} {}",
                evidence["stage"]["name"].as_str().unwrap(),
                evidence["verdict"].as_str().unwrap()
            )
        });
        let mut told: Vec<_> = told.collect();
        told.sort_unstable();
        told
    }
}

/// What a recorder said that was successful.
pub(crate) fn said(outcome: &Outcome) -> Value {
    assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.stdout, outcome.stderr);
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// Runs git, which must succeed.
pub(crate) fn git<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> String {
    chaos_tests::git::said(folder, arguments).unwrap()
}
