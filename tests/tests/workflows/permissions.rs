//! What jobs are allowed.

use super::file::{File, steps_of, templates, workflows};
use serde_json::Value;
use std::collections::BTreeMap;

/// Permissions by name: a job's own, and those of what it calls.
type Allowed = BTreeMap<String, String>;

fn allowed(job: &Value) -> Allowed {
    let given = job["permissions"].as_object().expect("permissions of its own");
    given.iter().map(|(name, level)| (name.clone(), level.as_str().unwrap().to_owned())).collect()
}

/// The workflow that a job calls.
fn called(job: &Value) -> Option<File> {
    let used = job["uses"].as_str()?;
    let used = used.split('@').next().unwrap();
    let (_, name) = used.split_once(".github/workflows/").unwrap();
    Some(File::read(&format!(".github/workflows/{name}")))
}

fn is_covered(asked: &str, given: Option<&String>) -> bool {
    given.is_some_and(|given| given == asked || given == "write")
}

#[test]
fn a_workflow_is_allowed_nothing_and_each_job_says_what_it_needs() {
    for file in workflows().into_iter().chain(templates()) {
        assert_eq!(file.value["permissions"], serde_json::json!({}), "{}", file.name);
        for (name, job) in file.jobs() {
            assert!(job["permissions"].is_object(), "{}: {name}", file.name);
        }
    }
}

/// GitHub does not start a workflow that calls one which asks for more than it is given, also where that job would be skipped.
#[test]
fn whoever_calls_a_workflow_grants_what_its_jobs_ask_for() {
    for file in workflows().into_iter().chain(templates()) {
        for (name, job) in file.jobs() {
            let Some(called) = called(job) else { continue };
            let given = allowed(job);
            for (inner, job) in called.jobs() {
                for (permission, level) in allowed(job) {
                    let is_covered = is_covered(&level, given.get(&permission));
                    assert!(is_covered, "{}: {name} calls {}: {inner}: {permission}", file.name, called.name);
                }
            }
        }
    }
}

#[test]
fn only_the_recorder_can_write_the_repository_and_it_runs_nothing_of_it() {
    let mut writers = Vec::new();
    for file in workflows() {
        for (name, job) in file.jobs() {
            let written: Vec<_> = allowed(job)
                .into_iter()
                .filter(|(_, level)| level == "write")
                .map(|(name, _)| name)
                .collect();
            if written.is_empty() || job.get("uses").is_some() {
                continue;
            }
            writers.push(format!("{name}: {}", written.join(", ")));
            let does: Vec<_> =
                steps_of(job).map(|step| step["uses"].as_str().unwrap_or("a script")).collect();
            let reads_only = |does: &&str| {
                does.starts_with("$/.github/actions/")
                    || does.starts_with("actions/upload-artifact@")
                    || does.starts_with("actions/download-artifact@")
            };
            assert!(does.iter().all(reads_only), "{name}: {does:?}");
        }
    }
    writers.sort_unstable();
    assert_eq!(writers, ["demotions: issues", "record: contents"]);

    let file = File::read(".github/workflows/chaos-record.yml");
    let chaos = steps_of(&file.jobs()["record"]).next().unwrap();
    assert_eq!((&chaos["with"]["mode"], &chaos["with"]["cache"]), (&"record".into(), &"false".into()));

    // In that mode the action does nothing with what is checked out, or with what others left in a cache.
    let action = File::read(".github/actions/chaos/action.yml");
    let concerned = action.steps().into_iter().filter(|step| {
        let condition = step["if"].as_str().unwrap_or_default();
        condition.is_empty() || condition.contains("'record'")
    });
    let names: Vec<_> = concerned.map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "Understand what is asked for",
            "Install cargo chaos",
            "Gather the evidence",
            "Record it",
            "Summarise it"
        ]
    );
}

/// A job that runs tests is not given what writes, nor the token.
#[test]
fn tests_are_not_given_a_token() {
    let action = File::read(".github/actions/chaos/action.yml");
    for step in action.steps() {
        let is_given = step["env"].as_object().is_some_and(|env| {
            env.values().any(|value| value.as_str().is_some_and(|value| value.contains("token")))
        });
        let name = step["name"].as_str().unwrap();
        assert_eq!(is_given, matches!(name, "Fetch the ledger of the base" | "Record it"), "{name}");
    }
}
