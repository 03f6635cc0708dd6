//! A month of CI on a scratch repository: pull requests, nights, a regression, a fork, a changed definition, two runners at once, a
//! push that came too late, and a night that died. After each step it is looked at what the ledger says.
//!
//! Everything is real: git and its server's side, cargo, nextest where it is there, the trials, and the commands that the
//! workflows call, with what GitHub tells them.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what goes wrong in a test fails it")]

mod github;
mod shop;

use chaos_harness::ledger::Moment;
use chaos_tests::program::{Outcome, outcome};
use chaos_tests::wait::wait_until;
use github::{GitHub, Run, Trigger, git, said, write_code, write_experiment};
use serde_json::Value;
use shop::{Code, Experiment};
use std::fs;
use std::process::Stdio;

/// The earned stage, how often the next one was confirmed, and how many events that comes of.
fn standing(github: &GitHub) -> (u64, u64, usize) {
    let state = github.state();
    let number = |value: &Value| value.as_u64().unwrap();
    assert_eq!(number(&state["events"]), github.events() as u64, "{state}");
    (number(&state["earned"]["number"]), number(&state["streak"]), github.events())
}

fn expect_code(ran: &Outcome, code: i32) {
    assert_eq!(ran.code, Some(code), "{}\n{}", ran.stdout, ran.stderr);
}

/// A night that is measured and recorded.
fn night(github: &GitHub, code: i32) -> Run<'_> {
    let night = github.run(Trigger::Schedule);
    expect_code(&night.escalate::<&str>([]), code);
    night.record();
    night
}

/// What the gate of a change ran, and what it came to. It never changes the ledger, and can record nothing.
fn gate(github: &GitHub, trigger: Trigger, code: i32) -> Vec<String> {
    let before = github.ledger_tip();
    let run = github.run(trigger);
    expect_code(&run.gate(), code);
    if trigger != Trigger::Push {
        let refused = outcome(&mut run.recorder(&run.evidence())).unwrap();
        expect_code(&refused, 2);
    }
    assert_eq!(github.ledger_tip(), before, "a gate reads only");
    run.trials()
}

#[test]
fn a_month_of_ci() {
    let github = GitHub::new();

    // The experiment is proposed. There is no ledger: it begins with the smallest stage.
    let adds = github.propose("experiment", |laptop| write_experiment(laptop, &Experiment::default()));
    assert_eq!(gate(&github, adds, 0), ["few upheld"]);
    assert_eq!(github.ledger_tip(), None);
    github.merge("experiment");

    // What is merged is measured, too, and recorded: that makes the branch.
    let merged = github.run(Trigger::Push);
    expect_code(&merged.gate(), 0);
    merged.record();
    assert_eq!(standing(&github), (1, 0, 1));

    // The first night tries the next stage.
    let first = night(&github, 0);
    assert_eq!(first.trials(), ["few upheld", "many upheld"]);
    assert_eq!(standing(&github), (1, 1, 3));

    // The second one dies after it has measured. Nothing of it is in the ledger, and the gate stays where it was.
    let dead = github.run(Trigger::Schedule);
    expect_code(&dead.escalate::<&str>([]), 0);
    let typo = github.propose("typo", |laptop| fs::write(laptop.join("README.md"), "Greets.\n").unwrap());
    assert_eq!(gate(&github, typo, 0), ["few upheld"]);
    github.merge("typo");
    assert_eq!(standing(&github), (1, 1, 3));

    // The third confirms once more: the stage is earned.
    let third = night(&github, 0);
    assert_eq!(standing(&github), (2, 0, 5));
    assert_eq!(github.state()["promoted"]["run"], third.id().as_str());

    // Someone records the night that died, from its artifact: what it confirmed came first.
    dead.record();
    assert_eq!(standing(&github), (2, 0, 7));
    assert_eq!(github.state()["promoted"]["run"], dead.id().as_str());

    // The gate of each change runs what was earned now, in the queue, too.
    let docs = github.propose("docs", |laptop| fs::write(laptop.join("README.md"), "Greets you.\n").unwrap());
    assert_eq!(gate(&github, docs, 0), ["many upheld"]);
    assert_eq!(gate(&github, Trigger::MergeGroup("docs"), 0), ["many upheld"]);
    github.merge("docs");

    // The next one reaches all connections: more than is tried without someone's approval.
    let unapproved = github.run(Trigger::Schedule);
    expect_code(&unapproved.escalate_unapproved(), 0);
    unapproved.record();
    assert_eq!(unapproved.trials(), ["many upheld"]);
    assert_eq!(standing(&github), (2, 0, 8));

    a_fork_gains_nothing(&github);
    a_regression_is_kept_out(&github);
    two_runners_and_a_lost_race(&github);

    // What all connections show is found at the next stage: back to where it was, and no new try for a while.
    github.merge_code("hasty", Code::Impatient);
    let found = night(&github, 1);
    assert_eq!(found.trials(), ["all refuted", "many upheld"]);
    assert_eq!(standing(&github), (2, 0, 12));
    assert_eq!(github.state()["last_failure"]["run"], found.id().as_str());
    let cooling = night(&github, 0);
    assert_eq!(cooling.trials(), ["many upheld"]);
    assert_eq!(standing(&github), (2, 0, 13));

    // A regression that got past the gate, from without: the earned stage is lost, and the gate lets others merge again.
    github.merge_code("dependency", Code::Panicky);
    let regression = github.run(Trigger::Schedule);
    expect_code(&regression.escalate::<&str>([]), 1);
    let recorded = regression.record();
    let demoted = &recorded["written"]["changes"]["changed"][0]["after"]["demoted"];
    assert_eq!((&demoted["from"], &demoted["to"]), (&2.into(), &1.into()), "{recorded}");
    assert_eq!((standing(&github).0, standing(&github).1), (1, 0));
    let other = github.propose("other", |laptop| fs::write(laptop.join("NOTES.md"), "-\n").unwrap());
    assert_eq!(gate(&github, other, 0), ["few upheld"]);
    github.merge("other");

    // It is mended, and two nights earn the stage again.
    github.merge_code("mended", Code::Healthy);
    wait_until_cooled(&github);
    night(&github, 0);
    assert_eq!((standing(&github).0, standing(&github).1), (1, 1));
    night(&github, 0);
    assert_eq!((standing(&github).0, standing(&github).1), (2, 0));

    a_changed_definition_begins_again(&github);
    what_was_recorded_is_recorded_once(&github);
}

/// A fork's change has a ledger of its own in its tree, and the fork has no permission to write.
fn a_fork_gains_nothing(github: &GitHub) {
    let forged = github.state().to_string().replace(r#""number":2"#, r#""number":3"#);
    let fork = github.propose("fork", |laptop| {
        let folder = laptop.join("chaos/ledger/shop/chaos");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("survives_a_slow_greeter.json"), &forged).unwrap();
    });
    assert_eq!(gate(github, fork, 0), ["many upheld"]);
    github.close("fork");

    // Whatever it says it is: the server lets it push nothing, and what was measured is still there.
    let before = github.ledger_tip();
    let run = github.run(Trigger::Schedule);
    expect_code(&run.gate(), 0);
    let trials = run.trials();
    github.on_push(Some("echo 'Permission to acme/shop.git denied to fork.' >&2; exit 1"));
    let refused = outcome(&mut run.recorder(&run.evidence())).unwrap();
    github.on_push(None);
    expect_code(&refused, 4);
    assert!(refused.stderr.contains("denied to fork"), "{}", refused.stderr);
    assert_eq!((github.ledger_tip(), run.trials()), (before, trials));
}

/// The gate refuses what the stage that was earned shows, where it is written.
fn a_regression_is_kept_out(github: &GitHub) {
    let panics = github.propose("panics", |laptop| write_code(laptop, Code::Panicky));
    let run = github.run(panics);
    let refused = run.gate();
    expect_code(&refused, 1);
    let place = format!("::error file=tests/chaos.rs,line={}", Experiment::LINE);
    assert!(refused.stdout.contains(&place), "{}", refused.stdout);
    let summary = fs::read_to_string(run.disk.join("summary.md")).unwrap();
    assert!(summary.contains("2 of 3 many") && summary.contains("**refuted**"), "{summary}");
    github.close("panics");
}

/// Two jobs of one night, each with a share of the trials, record at the same time; and a third recorder is always faster once.
fn two_runners_and_a_lost_race(github: &GitHub) {
    let before = github.events();
    let id = github.next_id();
    let shards = ["runner", "runner-2"].map(|runner| github.shard(Trigger::Schedule, id, runner));
    // The next stage is in one, and the earned one, which it needs, in the other.
    for (shard, stage) in shards.iter().zip(["many", "all"]) {
        expect_code(&shard.escalate(["--", "-E", &format!("test(/_{stage}$/)")]), 0);
        assert_eq!(shard.trials(), [format!("{stage} upheld")]);
    }
    // The server takes the first push only after another one has come in between.
    let once = github.origin().join("once");
    fs::write(&once, "").unwrap();
    let between = format!(
        "if rm '{}' 2>/dev/null; then \
         new=$(git commit-tree -p $2 -m between $2^{{tree}}) && git update-ref $1 $new $2; fi; exit 0",
        once.display()
    );
    github.on_push(Some(&between));
    let recorders: Vec<_> = shards
        .iter()
        .map(|shard| {
            let mut recorder = shard.recorder(&shard.evidence());
            recorder.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let recorded: Vec<_> = recorders
        .into_iter()
        .map(|recorder| {
            let ended = recorder.wait_with_output().unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            said(&Outcome {
                code: ended.status.code(),
                stdout: text(ended.stdout),
                stderr: text(ended.stderr),
            })
        })
        .collect();
    github.on_push(None);
    let tries: u64 =
        recorded.iter().map(|said| said["written"]["to"]["pushed"]["tries"].as_u64().unwrap()).sum();
    assert!(tries > 2, "one of them came too late: {recorded:?}");
    assert_eq!(standing(github), (2, 1, before + 2), "both are in the ledger, and one needs the other");
}

fn wait_until_cooled(github: &GitHub) {
    let until = github.state()["cooled_until"].as_str().map(str::to_owned);
    wait_until("the next stage may be tried again", || {
        until.as_ref().is_none_or(|until| Moment::now() >= until.parse().unwrap())
    });
}

/// What an experiment says is proved as a whole: a word more begins again, a comment or a longer time does not.
fn a_changed_definition_begins_again(github: &GitHub) {
    let same = Experiment { comment: "// As before.", turbulence: "700ms", ..Experiment::default() };
    let comment = github.propose("comment", |laptop| write_experiment(laptop, &same));
    assert_eq!(gate(github, comment, 0), ["many upheld"]);
    github.merge("comment");

    let stricter = Experiment { expect: "error_rate < 58%", ..same };
    let change = github.propose("stricter", |laptop| write_experiment(laptop, &stricter));
    let run = github.run(change);
    let gated = run.gate();
    expect_code(&gated, 0);
    assert_eq!(run.trials(), ["few upheld"], "{}", gated.stderr);
    github.merge("stricter");
    night(github, 0);
    assert_eq!((standing(github).0, standing(github).1), (1, 1));
    let reset = &github.state()["reset"];
    assert_eq!((&reset["from"], &reset["parts"]), (&2.into(), &serde_json::json!(["expect"])), "{reset}");
}

/// Everything once more, in another order: nothing changes.
fn what_was_recorded_is_recorded_once(github: &GitHub) {
    let tip = github.ledger_tip();
    let recorder = github.run(Trigger::Schedule);
    // What pull requests left is there, too: it does not count.
    let mut command = recorder.recorder(&github.disks());
    said(&outcome(&mut command).unwrap());
    // The fork's run was never recorded: it ran on what was merged, and is no less true for that.
    let more = usize::from(github.ledger_tip() != tip);
    assert!(more <= 1);
    let tip = github.ledger_tip();
    said(&outcome(&mut command).unwrap());
    assert_eq!(github.ledger_tip(), tip);

    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("ledger");
    let branch = ["clone", "--quiet", "--branch=chaos-ledger"];
    git(
        folder.path(),
        branch.iter().copied().chain([github.origin().to_str().unwrap(), clone.to_str().unwrap()]),
    );
    let verified =
        chaos_tests::cargo_chaos::run(["ledger", "verify", "--ledger", clone.to_str().unwrap()]).unwrap();
    expect_code(&verified, 0);
}
