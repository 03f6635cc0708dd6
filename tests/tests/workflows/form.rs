//! What holds for each file by itself.

use super::file::{File, actions, root, steps_of, templates, uses, workflows};
use serde_json::Value;
use std::collections::BTreeSet;

/// A hash and the release that it is of, or a file of this repository, as of the same commit.
fn is_pinned(used: &str, line: &str) -> bool {
    if let Some(path) = used.strip_prefix("$/") {
        let path = root().join(path);
        return path.is_file() || path.join("action.yml").is_file();
    }
    let Some((_, hash)) = used.split_once('@') else { return false };
    let release = line.split_once(" # v").map(|(_, release)| release);
    hash.len() == 40
        && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && release.is_some_and(|release| release.split('.').count() == 3)
}

#[test]
fn what_is_used_is_pinned_by_hash_with_its_release_or_is_of_the_same_commit() {
    for file in workflows().into_iter().chain(actions()).chain(templates()) {
        for used in uses(&file) {
            let lines = file.text.lines().filter(|line| !line.trim_start().starts_with('#'));
            let mut lines = lines.filter(|line| line.contains(&format!("uses: {used}"))).peekable();
            assert!(lines.peek().is_some(), "{}: {used}", file.name);
            assert!(lines.all(|line| is_pinned(used, line)), "{}: {used}", file.name);
        }
    }
}

#[test]
fn one_release_of_an_action_is_used_everywhere() {
    let files: Vec<File> = workflows().into_iter().chain(actions()).collect();
    let pins: BTreeSet<&str> =
        files.iter().flat_map(uses).filter(|used| used.starts_with("actions/")).collect();
    let actions: BTreeSet<&str> = pins.iter().filter_map(|pin| pin.split('@').next()).collect();
    assert_eq!(pins.len(), actions.len(), "{pins:?}");
}

/// What an expression becomes, a shell would carry out.
#[test]
fn nothing_is_put_into_a_script() {
    for file in workflows().into_iter().chain(actions()) {
        for script in file.scripts() {
            assert!(!script.text.contains("${{"), "{}", script.place);
        }
    }
}

#[test]
fn no_credentials_are_left_in_a_checkout() {
    for file in workflows().into_iter().chain(actions()) {
        let checkouts = file
            .steps()
            .into_iter()
            .filter(|step| step["uses"].as_str().is_some_and(|used| used.starts_with("actions/checkout@")));
        for step in checkouts {
            assert_eq!(step["with"]["persist-credentials"], false, "{}", file.name);
        }
    }
}

#[test]
fn each_job_ends_some_time() {
    for file in workflows() {
        for (name, job) in file.jobs().iter().filter(|(_, job)| job.get("steps").is_some()) {
            assert!(!job["timeout-minutes"].is_null(), "{}: {name}", file.name);
        }
    }
}

/// At minute 0 everybody's are, and GitHub drops some.
#[test]
fn no_schedule_is_at_a_full_hour_or_in_a_file_with_other_triggers_that_matter() {
    let mut minutes = BTreeSet::new();
    for file in workflows().into_iter().chain(templates()) {
        let Some(schedule) = file.value["on"]["schedule"].as_array() else { continue };
        // GitHub disables the whole file.
        for event in ["push", "pull_request", "merge_group"] {
            assert!(file.value["on"].get(event).is_none(), "{}: {event}", file.name);
        }
        for entry in schedule {
            let minute = entry["cron"].as_str().unwrap().split(' ').next().unwrap().to_owned();
            assert!(minute.parse::<u8>().unwrap() % 30 != 0, "{}: {minute}", file.name);
            assert!(minutes.insert(minute), "{}: at the same minute as another", file.name);
        }
    }
    assert_eq!(minutes.len(), 3);
}

/// actionlint does not know `queue` yet, and a value that is none would be told by GitHub alone.
#[test]
fn recorders_wait_for_each_other_and_none_is_dropped() {
    let record = File::read(".github/workflows/chaos-record.yml");
    let concurrency = &record.jobs()["record"]["concurrency"];
    assert_eq!(concurrency["queue"], "max");
    // With true, GitHub does not take it.
    assert_eq!(concurrency["cancel-in-progress"], false);
    let others = workflows().into_iter().filter(|file| file.text.contains("queue:"));
    assert_eq!(others.count(), 1);
}

#[test]
fn ci_ok_waits_for_every_job_and_fails_unless_each_has_passed() {
    let file = File::read(".github/workflows/ci.yml");
    let ok = &file.jobs()["ci-ok"];
    assert_eq!(ok["if"], "always()");
    let list = |value: &Value| -> BTreeSet<String> {
        let one = value.as_str().into_iter();
        let many = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        one.chain(many).map(str::to_owned).collect()
    };
    let needed = list(&ok["needs"]);
    // What comes after it does not decide whether a change lands.
    let before = file.jobs().iter().filter(|(_, job)| !list(&job["needs"]).contains("ci-ok"));
    let before: BTreeSet<String> =
        before.map(|(name, _)| name.clone()).filter(|name| name != "ci-ok").collect();
    assert_eq!(needed, before);

    let step = steps_of(ok).next().unwrap();
    let looked_at: BTreeSet<String> = step["env"]["RESULTS"]
        .as_str()
        .unwrap()
        .split("}}")
        .filter_map(|part| part.trim().strip_prefix("${{ needs.")?.strip_suffix(".result").map(str::to_owned))
        .collect();
    assert_eq!(looked_at, needed);
    let successes = step["run"].as_str().unwrap().matches("success").count();
    assert_eq!(successes, needed.len());
}
