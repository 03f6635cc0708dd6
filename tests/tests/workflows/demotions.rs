//! The issues for demotions, with a `gh` that only notes what it is asked for.

use super::file::root;
use super::scripts::Runner;
use chaos_harness::ledger::State;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// Says which issues are open, and keeps each body.
const GH: &str = r#"
case "$1 $2" in
  "issue list") cat "$OPEN" ;;
  "issue create" | "issue comment") for body; do :; done; cat "$body" >>"$BODIES" ;;
esac
"#;

/// What an experiment is left with, as a recorder says it.
fn state(experiment: &str, why: &str) -> Value {
    let state = json!({
        "schema": 1, "experiment": experiment,
        "fingerprint": "body:0123456789ab expect:0123456789ab faults:0123456789ab load:0123456789ab stages:0123456789ab system:0123456789ab",
        "earned": { "number": 2, "name": "small_percentage" }, "of": 4,
        "streak": 0, "confirmations": 3, "pending": 0,
        "cooled_until": "2026-11-30T02:41:00.000Z",
        "demoted": { "from": 3, "to": 2, "at": "2026-11-27T02:41:00.000Z", "run": "17", "commit": "c0ffee" },
        "last_failure": {
            "stage": 3, "at": "2026-11-27T02:41:00.000Z", "seed": "0xc0ffee", "run": "17", "commit": "c0ffee", "why": why,
        },
        "counts": { "inconclusive": 0, "unsteady": 0, "halted": 0, "error": 0 },
        "events": 9, "as_of": "2026-11-27T02:41:00.000Z",
    });
    let read: Result<State, _> = serde_json::from_value(state.clone());
    assert!(read.is_ok(), "the ledger has another form: {read:?}");
    state
}

/// The same before it lost a stage.
fn before(state: &Value) -> Value {
    let mut before = state.clone();
    before["earned"] = json!({ "number": 3 });
    let fields = before.as_object_mut().unwrap();
    fields.remove("demoted");
    fields.remove("last_failure");
    before
}

struct Told {
    gh: Vec<Vec<String>>,
    bodies: String,
}

/// What is told of these changes while these issues are open.
fn tell(changed: &Value, open: &Value) -> Option<Told> {
    if Command::new("jq").arg("--version").output().is_err() {
        eprintln!("skipped: jq is not installed");
        return None;
    }
    let runner = Runner::new(&[("gh", GH)]);
    let [record, listed, bodies] = ["record.json", "open.json", "bodies"].map(|name| runner.path(name));
    fs::write(&record, json!({ "written": { "changes": { "changed": changed, "known": 0 } } }).to_string())
        .unwrap();
    fs::write(&listed, open.to_string()).unwrap();
    let script = root().join(".github/actions/demotions/tell.sh");
    let variables = [
        ("RECORD", record.to_str().unwrap()),
        ("OPEN", listed.to_str().unwrap()),
        ("BODIES", bodies.to_str().unwrap()),
        ("RUN", "https://github.com/a/b/actions/runs/17"),
    ];
    let ran = runner.run(&format!("exec '{}'", script.display()), &variables);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!runner.path("pwned").exists());
    Some(Told { gh: runner.calls("gh"), bodies: fs::read_to_string(bodies).unwrap_or_default() })
}

#[test]
fn a_demotion_opens_an_issue_and_the_next_one_adds_to_it() {
    let lost = state("shop::chaos::survives_slow_redis", "p99 was 812 ms, expected < 500 ms");
    let changed = json!([{ "before": before(&lost), "after": lost, "added": 2 }]);
    let Some(told) = tell(&changed, &json!([])) else { return };
    let verbs: Vec<_> = told.gh.iter().map(|call| call[..2].join(" ")).collect();
    assert_eq!(verbs, ["label create", "issue list", "issue create"]);
    let title = "Chaos: shop::chaos::survives_slow_redis lost a stage";
    assert_eq!(told.gh[2][2..6], ["--title", title, "--label", "chaos-demotion"]);
    for line in [
        "    stage      : from 3 to 2, of 4",
        "    why        : p99 was 812 ms, expected < 500 ms",
        "    seed       : 0xc0ffee",
        "    next stage : not tried before 2026-11-30T02:41:00.000Z",
        "Recorded by https://github.com/a/b/actions/runs/17, which has the journals.",
    ] {
        assert!(told.bodies.contains(line), "{}", told.bodies);
    }

    let open = json!([{ "number": 6, "title": format!("{title}?") }, { "number": 7, "title": title }]);
    let told = tell(&changed, &open).unwrap();
    assert_eq!(told.gh[2][..3], ["issue", "comment", "7"]);
    assert_eq!(told.gh.len(), 3);
}

#[test]
fn what_is_no_demotion_opens_none() {
    let lost = state("shop::chaos::slow", "late");
    let mut reset = lost.clone();
    reset["reset"] = json!({ "at": "2026-11-27T02:41:00.000Z", "from": 3, "parts": ["body"] });
    let promoted = before(&lost);
    let changed = json!([
        // Known since an earlier run.
        { "before": lost, "after": lost, "added": 1 },
        { "before": null, "after": promoted, "added": 1 },
        // All proof is gone because the definition is another: nothing failed.
        { "before": before(&lost), "after": reset, "added": 1 },
    ]);
    let Some(told) = tell(&changed, &json!([])) else { return };
    assert_eq!(told.gh, Vec::<Vec<String>>::new());
}

/// All of it comes from tests: names, reasons, runs.
#[test]
fn what_tests_say_is_text_in_an_issue_and_nothing_else() {
    let hostile = "\"$(touch pwned)`touch pwned`'; touch pwned\n\n# @everyone closes #1\r</pre>\u{2028}\u{202e}::error::x";
    let mut lost = state("shop::chaos::slow", hostile);
    // No ledger has such names: the recorder refuses them. The script does not count on it.
    for field in ["experiment", "cooled_until"] {
        lost[field] = hostile.into();
    }
    lost["demoted"]["run"] = hostile.into();
    let changed = json!([{ "before": null, "after": lost, "added": 1 }]);
    let Some(told) = tell(&changed, &json!([{ "number": 1, "title": "Chaos: " }])) else { return };
    let create = told.gh.last().unwrap();
    assert_eq!((create[1].as_str(), create[4].as_str()), ("create", "--label"));
    assert!(create[3].starts_with("Chaos: \"$(touch pwned)`touch pwned`'; touch pwned"), "{create:?}");

    let fixed = ["", "It was refuted at", "Recorded by https://github.com/a/b/"];
    for line in told.bodies.lines() {
        let is_ours = line.is_empty() || fixed[1..].iter().any(|start| line.starts_with(start));
        assert!(is_ours || line.starts_with("    "), "{line:?}");
        assert!(!line.contains(['\r', '\u{2028}', '\u{202e}']), "{line:?}");
    }
}
