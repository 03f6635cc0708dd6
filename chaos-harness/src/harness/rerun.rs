//! The command that runs a trial again.

use crate::chance::Seed;
use shell_words::quote;
use std::fs;
use std::path::Path;

/// What runs the trials of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// `cargo test`.
    CargoTest,
    /// `cargo run`: the program is no test target, but has a `main` that runs experiments.
    CargoRun,
    /// `cargo nextest run`.
    Nextest,
}

/// Which target of the package a trial is in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Test(String),
    Binary(String),
    Example(String),
    /// The library, or whatever it is that only its test names tell.
    Package,
}

/// The test program that this process is, as a command names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestProgram {
    /// Not known where an experiment does not say where it is written, and cargo did not start the program.
    package: Option<String>,
    target: Target,
    runner: Runner,
}

impl TestProgram {
    /// The program that this process runs. The package is as the experiment says, empty where it does not.
    pub(crate) fn current(package: &str) -> Self {
        let program = std::env::current_exe().unwrap_or_default();
        Self::from_environment(package, &program, |name| std::env::var(name).ok())
    }

    fn from_environment(package: &str, program: &Path, variable: impl Fn(&str) -> Option<String>) -> Self {
        let said = Some(package.to_owned()).filter(|package| !package.is_empty());
        let package = said.or_else(|| variable("CARGO_PKG_NAME")).filter(|package| !package.is_empty());
        let nextest = variable("NEXTEST").and(variable("NEXTEST_BINARY_ID"));
        let (runner, target) = if let Some(id) = nextest {
            (Runner::Nextest, from_binary_id(&id))
        } else {
            let folder = variable("CARGO_MANIFEST_DIR");
            from_program(package.as_deref().unwrap_or_default(), program, folder.as_deref().map(Path::new))
        };
        Self { package, target, runner }
    }

    /// The command that runs this trial again with this seed and these variables, ready for a shell.
    pub(crate) fn rerun(&self, trial: &str, seed: Seed, variables: &[(&str, String)]) -> String {
        let mut words = vec![format!("CHAOS_SEED={seed}")];
        words.extend(variables.iter().map(|(name, value)| format!("{name}={}", quote(value))));
        words.push("cargo".to_owned());
        words.push(match self.runner {
            Runner::CargoTest => "test".to_owned(),
            Runner::CargoRun => "run".to_owned(),
            Runner::Nextest => "nextest run".to_owned(),
        });
        words.extend(self.package.as_ref().map(|package| format!("-p {}", quote(package))));
        match &self.target {
            Target::Test(name) => words.push(format!("--test {}", quote(name))),
            Target::Binary(name) => words.push(format!("--bin {}", quote(name))),
            Target::Example(name) => words.push(format!("--example {}", quote(name))),
            Target::Package => {}
        }
        // A trial that was asked for runs again also where it is marked `#[ignore]`.
        words.push(match self.runner {
            Runner::CargoTest | Runner::CargoRun => format!("-- --exact {} --include-ignored", quote(trial)),
            Runner::Nextest => format!("--run-ignored all -E {}", quote(&format!("test(={trial})"))),
        });
        words.join(" ")
    }
}

/// nextest's ids: `package`, `package::test` or `package::bin/name`.
fn from_binary_id(id: &str) -> Target {
    match id.split_once("::").map(|(_, target)| target.split_once('/').unwrap_or(("test", target))) {
        Some(("test", name)) => Target::Test(name.to_owned()),
        Some(("bin", name)) => Target::Binary(name.to_owned()),
        _ => Target::Package,
    }
}

/// What cargo makes of a file's name: the crate's name, a hyphen and a hash for a test program, the target's name alone
/// for what `cargo run` starts.
fn from_program(package: &str, program: &Path, manifest_dir: Option<&Path>) -> (Runner, Target) {
    let stem = program.file_stem().unwrap_or_default().to_string_lossy();
    let Some((name, _)) = stem.rsplit_once('-').filter(|(_, hash)| is_hash(hash)) else {
        let is_example = program.parent().is_some_and(|folder| folder.ends_with("examples"));
        let target = if is_example { Target::Example } else { Target::Binary };
        return (Runner::CargoRun, target(stem.into_owned()));
    };
    // A crate has underscores where its target may have hyphens.
    let target_in = |folder| manifest_dir.and_then(|package| target_of_crate(name, &package.join(folder)));
    let target = if name == package.replace('-', "_") {
        Target::Package
    } else if let Some(test) = target_in("tests") {
        Target::Test(test)
    } else if let Some(binary) = target_in("src/bin") {
        Target::Binary(binary)
    } else {
        Target::Test(name.to_owned())
    };
    (Runner::CargoTest, target)
}

fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The target, in a folder where cargo finds targets by itself, that makes a crate of this name.
fn target_of_crate(name: &str, folder: &Path) -> Option<String> {
    let targets = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned));
    targets.into_iter().find(|target| target.replace('-', "_") == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &str, variables: &[(&str, &str)]) -> TestProgram {
        TestProgram::from_environment("my-shop", Path::new(path), |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn rerun(path: &str, variables: &[(&str, &str)]) -> String {
        program(path, variables).rerun("cart::slow_redis::1_half", Seed::new(255), &[])
    }

    #[test]
    fn cargo_test_is_told_package_target_and_trial() {
        assert_eq!(
            rerun("/t/debug/deps/chaos-0123456789abcdef", &[]),
            "CHAOS_SEED=0xff cargo test -p my-shop --test chaos -- --exact cart::slow_redis::1_half --include-ignored"
        );
        assert_eq!(
            rerun("/t/debug/deps/my_shop-0123456789abcdef", &[]),
            "CHAOS_SEED=0xff cargo test -p my-shop -- --exact cart::slow_redis::1_half --include-ignored"
        );
    }

    #[test]
    fn a_target_with_hyphens_is_named_as_cargo_knows_it() {
        let package = tempfile::tempdir().unwrap();
        fs::create_dir(package.path().join("tests")).unwrap();
        fs::write(package.path().join("tests/under-load.rs"), "").unwrap();
        let folder = package.path().to_str().unwrap();
        let command = rerun("/t/debug/deps/under_load-0123456789abcdef", &[("CARGO_MANIFEST_DIR", folder)]);
        assert!(command.contains("--test under-load "), "{command}");
    }

    #[test]
    fn the_package_is_cargos_where_the_experiment_does_not_say_it_and_else_left_out() {
        let rerun = |variables: &[(&str, &str)]| {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            let program = Path::new("/t/debug/deps/chaos-0123456789abcdef");
            TestProgram::from_environment("", program, variable).rerun("by_hand::1_half", Seed::new(255), &[])
        };
        let exact = "--test chaos -- --exact by_hand::1_half --include-ignored";
        assert_eq!(
            rerun(&[("CARGO_PKG_NAME", "shop")]),
            format!("CHAOS_SEED=0xff cargo test -p shop {exact}")
        );
        assert_eq!(rerun(&[]), format!("CHAOS_SEED=0xff cargo test {exact}"));
    }

    #[test]
    fn what_is_no_test_target_is_run_as_a_program() {
        let command = |target| {
            format!(
                "CHAOS_SEED=0xff cargo run -p my-shop {target} -- --exact cart::slow_redis::1_half --include-ignored"
            )
        };
        assert_eq!(rerun("/t/debug/under-load", &[]), command("--bin under-load"));
        assert_eq!(rerun("/t/debug/examples/shop", &[]), command("--example shop"));
    }

    #[test]
    fn the_tests_within_a_binary_are_told_with_its_name() {
        let package = tempfile::tempdir().unwrap();
        fs::create_dir_all(package.path().join("src/bin/shop-front")).unwrap();
        let folder = package.path().to_str().unwrap();
        let command = rerun("/t/debug/deps/shop_front-0123456789abcdef", &[("CARGO_MANIFEST_DIR", folder)]);
        assert!(command.contains("cargo test -p my-shop --bin shop-front "), "{command}");
    }

    #[test]
    fn nextest_is_told_with_a_filter() {
        let rerun =
            |id| rerun("/t/debug/deps/any-0123456789abcdef", &[("NEXTEST", "1"), ("NEXTEST_BINARY_ID", id)]);
        let filter = "--run-ignored all -E 'test(=cart::slow_redis::1_half)'";
        let command = "CHAOS_SEED=0xff cargo nextest run -p my-shop";
        assert_eq!(rerun("my-shop::under-load"), format!("{command} --test under-load {filter}"));
        assert_eq!(rerun("my-shop::bin/shop"), format!("{command} --bin shop {filter}"));
        assert_eq!(rerun("my-shop"), format!("{command} {filter}"));
    }

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        let command = program("/t/deps/chaos-0123456789abcdef", &[]).rerun(
            "it's odd",
            Seed::new(1),
            &[("CHAOS_BACKEND", "process".to_owned()), ("CHAOS_REQUIRE", "a b".to_owned())],
        );
        let words = shell_words::split(&command).unwrap();
        assert_eq!(words[..4], ["CHAOS_SEED=0x1", "CHAOS_BACKEND=process", "CHAOS_REQUIRE=a b", "cargo"]);
        assert_eq!(words[words.len() - 3..], ["--exact", "it's odd", "--include-ignored"]);
    }
}
