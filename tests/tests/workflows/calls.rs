//! What one file gives to another.

use super::file::{File, actions, templates, workflows};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What a workflow or an action can be given.
fn inputs(file: &File) -> &Map<String, Value> {
    let of_action = file.value["inputs"].as_object();
    of_action.or_else(|| file.value["on"]["workflow_call"]["inputs"].as_object()).expect("inputs")
}

/// What is called here, and is in this repository, with what it is given.
fn calls(file: &File) -> Vec<(File, BTreeSet<&str>)> {
    let jobs = file.value["jobs"].as_object().into_iter().flat_map(Map::values);
    let called = jobs.chain(file.steps()).filter_map(|call| {
        let used = call["uses"].as_str()?.split('@').next()?;
        let (_, path) = used.split_once(".github/")?;
        let name = if path.starts_with("actions/") { format!("{path}/action.yml") } else { path.to_owned() };
        let given = call["with"].as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
        Some((File::read(&format!(".github/{name}")), given))
    });
    called.collect()
}

#[test]
fn what_is_given_is_asked_for_and_what_is_needed_is_given() {
    let mut count = 0;
    for file in workflows().into_iter().chain(actions()).chain(templates()) {
        for (called, given) in calls(&file) {
            let inputs = inputs(&called);
            let unknown: Vec<_> = given.iter().filter(|name| !inputs.contains_key(**name)).collect();
            assert!(unknown.is_empty(), "{} gives {}: {unknown:?}", file.name, called.name);
            let needed = inputs.iter().filter(|(_, input)| input["required"] == true);
            let missing: Vec<_> = needed.filter(|(name, _)| !given.contains(name.as_str())).collect();
            assert!(missing.is_empty(), "{} does not give {}: {missing:?}", file.name, called.name);
            count += 1;
        }
    }
    assert!(count >= 8, "only {count} calls were found");
}

#[test]
fn inputs_are_documented_and_what_a_workflow_takes_its_action_takes_too() {
    let action = File::read(".github/actions/chaos/action.yml");
    let of_action: BTreeSet<_> = inputs(&action).keys().cloned().collect();
    // These are a workflow's own business.
    let own = ["partitions", "images", "runs-on", "timeout-minutes", "approval", "recorder"];
    for name in ["chaos-gate", "chaos-nightly", "chaos-record"] {
        let file = File::read(&format!(".github/workflows/{name}.yml"));
        for (input, of_input) in inputs(&file) {
            assert!(of_input["description"].is_string(), "{name}: {input}");
            assert!(of_action.contains(input) || own.contains(&input.as_str()), "{name}: {input}");
        }
    }
}

/// The action, what it installs and what it is documented with are one release.
#[test]
fn the_release_that_is_installed_is_the_one_that_this_is() {
    let mut found = 0;
    for file in workflows().into_iter().chain(actions()) {
        let Some(inputs) =
            file.value["inputs"].as_object().or(file.value["on"]["workflow_call"]["inputs"].as_object())
        else {
            continue;
        };
        for name in ["version", "recorder"] {
            let Some(input) = inputs.get(name) else { continue };
            assert_eq!(input["default"], env!("CARGO_PKG_VERSION"), "{}: {name}", file.name);
            found += 1;
        }
    }
    assert_eq!(found, 5);
}
