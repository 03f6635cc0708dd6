//! The files, as they are read.

use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// A workflow or an action.
pub(crate) struct File {
    /// From the root of the repository.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) value: Value,
}

/// A script in one of them.
pub(crate) struct Script {
    /// Where it is, for people.
    pub(crate) place: String,
    pub(crate) text: String,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The workflows of this repository.
pub(crate) fn workflows() -> Vec<File> {
    let folder = fs::read_dir(root().join(".github/workflows")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| File::read(&format!(".github/workflows/{name}"))).collect()
}

/// The actions of this repository.
pub(crate) fn actions() -> Vec<File> {
    let folder = fs::read_dir(root().join(".github/actions")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| File::read(&format!(".github/actions/{name}/action.yml"))).collect()
}

/// What `cargo chaos init` makes workflows of.
pub(crate) fn templates() -> [File; 2] {
    ["gate", "nightly"]
        .map(|name| File::read(&format!("chaos-harness/src/bin/cargo-chaos/init/templates/{name}.yml")))
}

impl File {
    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        // A template's gaps, as `init` fills them.
        let text = text.replace("{REPOSITORY}", "chaos-harness/chaos-harness").replace("{LEDGER}", "branch");
        let text = text.replace("{HASH}", &"0".repeat(40)).replace("{VERSION}", "v0.1.0");
        let value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), text, value }
    }

    pub(crate) fn jobs(&self) -> &Map<String, Value> {
        self.value["jobs"].as_object().unwrap_or_else(|| panic!("{} has no jobs", self.name))
    }

    /// The steps of all jobs, or of the action.
    pub(crate) fn steps(&self) -> Vec<&Value> {
        match self.value.get("jobs") {
            Some(_) => self.jobs().values().flat_map(steps_of).collect(),
            None => steps_of(&self.value["runs"]).collect(),
        }
    }

    pub(crate) fn scripts(&self) -> Vec<Script> {
        let scripts = self.steps().into_iter().filter_map(|step| {
            let text = step["run"].as_str()?.to_owned();
            let name = step["name"].as_str().unwrap_or(&text);
            Some(Script { place: format!("{}, {name}", self.name), text })
        });
        scripts.collect()
    }

    /// The step of this name.
    pub(crate) fn step(&self, name: &str) -> &Value {
        self.steps().into_iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("no step {name}"))
    }
}

/// The steps of a job, if it does not call another workflow.
pub(crate) fn steps_of(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().into_iter().flatten()
}

/// What is at `uses`, in jobs and steps.
pub(crate) fn uses(file: &File) -> Vec<&str> {
    let jobs = file.value["jobs"].as_object().into_iter().flat_map(Map::values);
    jobs.chain(file.steps()).filter_map(|of| of["uses"].as_str()).collect()
}
