//! Which test targets hold experiments.

use super::workspace::{Package, Workspace};
use std::collections::{BTreeMap, BTreeSet};

/// No target can be meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum TargetsError {
    #[error("the workspace has no package `{name}`: it has {}", known.join(", "))]
    NoPackage { name: String, known: Vec<String> },
    #[error(
        "no package {}has a test target named {}: `cargo chaos init` makes one, and `tests` in chaos.toml names others",
        if *.chosen { "that was asked for " } else { "of the workspace " },
        names.join(" or ")
    )]
    NoTarget { names: Vec<String>, chosen: bool },
}

/// The test targets that hold experiments, by package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Targets(BTreeMap<String, BTreeSet<String>>);

impl Targets {
    /// Those of these names, in these packages, or in all.
    pub(crate) fn find(
        workspace: &Workspace,
        packages: &[String],
        names: &[String],
    ) -> Result<Self, TargetsError> {
        let is_known = |name: &&String| workspace.packages.iter().any(|package| package.name == **name);
        if let Some(name) = packages.iter().find(|name| !is_known(name)) {
            let known = workspace.packages.iter().map(|package| package.name.clone()).collect();
            return Err(TargetsError::NoPackage { name: name.clone(), known });
        }
        let is_asked_for = |package: &&Package| packages.is_empty() || packages.contains(&package.name);
        let of_package = |package: &Package| -> BTreeSet<String> {
            package.tests().map(|target| &target.name).filter(|name| names.contains(name)).cloned().collect()
        };
        let found = workspace.packages.iter().filter(is_asked_for);
        let found = found.map(|package| (package.name.clone(), of_package(package)));
        let found: BTreeMap<_, _> = found.filter(|(_, tests)| !tests.is_empty()).collect();
        if found.is_empty() {
            return Err(TargetsError::NoTarget { names: names.to_vec(), chosen: !packages.is_empty() });
        }
        Ok(Self(found))
    }

    /// How cargo, and nextest where it builds, are told.
    pub(crate) fn selection(&self) -> Vec<String> {
        let packages = self.0.keys().map(|package| format!("--package={package}"));
        let tests: BTreeSet<_> = self.0.values().flatten().collect();
        packages.chain(tests.into_iter().map(|test| format!("--test={test}"))).collect()
    }

    /// How nextest is told what to run out of an archive.
    pub(crate) fn filterset(&self) -> String {
        let pairs = self.0.iter().flat_map(|(package, tests)| {
            tests.iter().map(move |test| format!("(package(={package}) & kind(=test) & binary(={test}))"))
        });
        pairs.collect::<Vec<_>>().join(" | ")
    }

    pub(crate) fn contains(&self, package: &str, target: &str) -> bool {
        self.0.get(package).is_some_and(|tests| tests.contains(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workspace() -> Workspace {
        let target = |name: &str, kind: &str| json!({"name": name, "kind": [kind]});
        let package = |name: &str, targets: Vec<serde_json::Value>| json!({"name": name, "id": name, "manifest_path": format!("/w/{name}/Cargo.toml"), "targets": targets});
        serde_json::from_value(json!({
            "workspace_root": "/w",
            "target_directory": "/w/target",
            "packages": [
                package("shop", vec![target("shop", "lib"), target("chaos", "test"), target("app", "test")]),
                package("stock", vec![target("chaos", "test"), target("under-load", "test")]),
                package("chaos", vec![target("chaos", "bin")]),
            ],
        }))
        .unwrap()
    }

    fn find(packages: &[&str], names: &[&str]) -> Result<Targets, TargetsError> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Targets::find(&workspace(), &owned(packages), &owned(names))
    }

    #[test]
    fn tests_of_the_name_are_found_in_every_package_or_in_those_asked_for() {
        let all = find(&[], &["chaos", "under-load"]).unwrap();
        assert_eq!(
            all.selection(),
            ["--package=shop", "--package=stock", "--test=chaos", "--test=under-load"]
        );
        assert!(all.contains("stock", "under-load") && !all.contains("shop", "under-load"));
        let one = find(&["stock"], &["chaos"]).unwrap();
        assert_eq!(one.filterset(), "(package(=stock) & kind(=test) & binary(=chaos))");
    }

    #[test]
    fn what_is_not_there_is_said_with_what_is() {
        let error = find(&["shpo"], &["chaos"]).unwrap_err().to_string();
        assert_eq!(error, "the workspace has no package `shpo`: it has shop, stock, chaos");
        let error = find(&["chaos"], &["chaos"]).unwrap_err().to_string();
        assert!(
            error.starts_with("no package that was asked for has a test target named chaos: "),
            "{error}"
        );
        let error = find(&[], &["a", "b"]).unwrap_err().to_string();
        assert!(error.starts_with("no package of the workspace has a test target named a or b: "), "{error}");
    }
}
