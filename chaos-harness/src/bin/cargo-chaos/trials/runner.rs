//! The command that runs trials.

use crate::cargo::{Nextest, Targets, cargo};
use std::process::Command;

/// What runs the trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    Nextest,
    CargoTest,
}

impl Runner {
    /// nextest where it is installed.
    pub(super) fn find() -> Self {
        if Nextest::find().is_some() { Self::Nextest } else { Self::CargoTest }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nextest => "cargo nextest run",
            Self::CargoTest => "cargo test",
        }
    }

    pub(super) fn command(self, targets: &Targets, filters: &[String], arguments: &[String]) -> Command {
        let mut command = cargo();
        command.args(self.words(targets, filters, arguments));
        command
    }

    fn words(self, targets: &Targets, filters: &[String], arguments: &[String]) -> Vec<String> {
        let fixed = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match self {
            Self::Nextest => {
                let mut words = fixed(&["nextest", "run"]);
                if is_given(arguments, "--archive-file") {
                    // What is in an archive has been built: cargo's own selection means nothing to it.
                    words.extend(["--filterset".to_owned(), targets.filterset()]);
                } else {
                    words.extend(targets.selection());
                }
                // All that fails is of interest, not only what fails first.
                if !["--fail-fast", "--no-fail-fast", "--max-fail"]
                    .iter()
                    .any(|option| is_given(arguments, option))
                {
                    words.push("--no-fail-fast".to_owned());
                }
                words.extend(arguments.iter().chain(filters).cloned());
                words
            }
            Self::CargoTest => {
                let mut words = fixed(&["test"]);
                words.extend(targets.selection());
                if !is_given(arguments, "--no-fail-fast") {
                    words.push("--no-fail-fast".to_owned());
                }
                words.extend(arguments.iter().cloned());
                words.push("--".to_owned());
                words.extend(filters.iter().cloned());
                words
            }
        }
    }
}

/// Whether an option is among the arguments, with its value in the same word or in the next.
fn is_given(arguments: &[String], option: &str) -> bool {
    arguments
        .iter()
        .any(|word| word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
}

/// Whether these arguments ask for one of several shares of the trials: the others may have them all.
pub(super) fn is_share(arguments: &[String]) -> bool {
    let mut words = arguments.iter();
    let given = words.find_map(|word| match word.strip_prefix("--partition")? {
        "" => Some(None),
        rest => rest.strip_prefix('=').map(Some),
    });
    let share = given.and_then(|value| value.or_else(|| words.next().map(String::as_str)));
    share.is_some_and(|share| share.rsplit_once('/').is_some_and(|(_, of)| of != "1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::Workspace;
    use serde_json::json;

    fn words(runner: Runner, filters: &[&str], arguments: &[&str]) -> Vec<String> {
        let workspace: Workspace = serde_json::from_value(json!({
            "workspace_root": "/w", "target_directory": "/w/target",
            "packages": [{
                "name": "shop", "id": "shop", "manifest_path": "/w/Cargo.toml",
                "targets": [{"name": "chaos", "kind": ["test"]}],
            }],
        }))
        .unwrap();
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let targets = Targets::find(&workspace, &[], &owned(&["chaos"])).unwrap();
        runner.words(&targets, &owned(filters), &owned(arguments))
    }

    #[test]
    fn each_runner_is_told_targets_arguments_and_filters_where_it_takes_them() {
        let line = words(Runner::Nextest, &["cart", "stock"], &["--partition", "slice:1/2"]).join(" ");
        assert_eq!(
            line,
            "nextest run --package=shop --test=chaos --no-fail-fast --partition slice:1/2 cart stock"
        );
        let line = words(Runner::CargoTest, &["cart", "stock"], &["--release"]).join(" ");
        assert_eq!(line, "test --package=shop --test=chaos --no-fail-fast --release -- cart stock");
    }

    #[test]
    fn one_of_several_shares_may_be_empty_and_the_only_one_may_not() {
        let is_share = |line: &str| is_share(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(is_share("--partition slice:1/2") && is_share("--locked --partition=hash:2/10"));
        assert!(!is_share("--partition slice:1/1") && !is_share("--partition=count:1/1"));
        assert!(!is_share("--partition") && !is_share("--locked"));
    }

    #[test]
    fn what_is_run_out_of_an_archive_is_told_by_a_filterset() {
        for archive in [&["--archive-file", "a.tar.zst"][..], &["--archive-file=a.tar.zst"]] {
            let words = words(Runner::Nextest, &["cart"], archive);
            assert_eq!(words[2..4], ["--filterset", "(package(=shop) & kind(=test) & binary(=chaos))"]);
            assert!(
                !words.contains(&"--test=chaos".to_owned()) && words.last().unwrap() == "cart",
                "{words:?}"
            );
        }
    }
}
