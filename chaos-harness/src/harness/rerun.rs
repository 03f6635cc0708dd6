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
    /// `cargo nextest run`.
    Nextest,
}

/// Which target of the package a trial is in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Test(String),
    Binary(String),
    /// The library, or whatever it is that only its test names tell.
    Package,
}

/// The test program that this process is, as a command names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestProgram {
    package: String,
    target: Target,
    runner: Runner,
}

impl TestProgram {
    /// The program that this process runs, of this package.
    pub(crate) fn current(package: &str) -> Self {
        let program = std::env::current_exe().unwrap_or_default();
        Self::from_environment(package, &program, |name| std::env::var(name).ok())
    }

    fn from_environment(package: &str, program: &Path, variable: impl Fn(&str) -> Option<String>) -> Self {
        let runner = if variable("NEXTEST").is_some() { Runner::Nextest } else { Runner::CargoTest };
        let target = match variable("NEXTEST_BINARY_ID") {
            Some(id) => from_binary_id(&id),
            None => from_program(package, program, variable("CARGO_MANIFEST_DIR").as_deref()),
        };
        Self { package: package.to_owned(), target, runner }
    }

    /// The command that runs this trial again with this seed and these variables, ready for a shell.
    pub(crate) fn rerun(&self, trial: &str, seed: Seed, variables: &[(&str, String)]) -> String {
        let mut words = vec![format!("CHAOS_SEED={seed}")];
        words.extend(variables.iter().map(|(name, value)| format!("{name}={}", quote(value))));
        words.push("cargo".to_owned());
        words.push(match self.runner {
            Runner::CargoTest => "test".to_owned(),
            Runner::Nextest => "nextest run".to_owned(),
        });
        words.push(format!("-p {}", quote(&self.package)));
        match &self.target {
            Target::Test(name) => words.push(format!("--test {}", quote(name))),
            Target::Binary(name) => words.push(format!("--bin {}", quote(name))),
            Target::Package => {}
        }
        // A trial that was asked for runs again also where it is marked `#[ignore]`.
        words.push(match self.runner {
            Runner::CargoTest => format!("-- --exact {} --include-ignored", quote(trial)),
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

/// cargo's file names: the crate's name, a hyphen, and a hash. A crate has underscores where its target may have hyphens.
fn from_program(package: &str, program: &Path, manifest_dir: Option<&str>) -> Target {
    let stem = program.file_stem().unwrap_or_default().to_string_lossy();
    match stem.rsplit_once('-') {
        Some((name, _)) if name != package.replace('-', "_") => {
            let target =
                manifest_dir.and_then(|folder| target_of_crate(name, &Path::new(folder).join("tests")));
            Target::Test(target.unwrap_or_else(|| name.to_owned()))
        }
        _ => Target::Package,
    }
}

/// The test target, in the place where cargo finds it by itself, that makes a crate of this name.
fn target_of_crate(name: &str, tests: &Path) -> Option<String> {
    let targets = fs::read_dir(tests)
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
    fn nextest_is_told_with_a_filter() {
        let rerun = |id| rerun("/t/debug/deps/any-01", &[("NEXTEST", "1"), ("NEXTEST_BINARY_ID", id)]);
        let filter = "--run-ignored all -E 'test(=cart::slow_redis::1_half)'";
        let command = "CHAOS_SEED=0xff cargo nextest run -p my-shop";
        assert_eq!(rerun("my-shop::under-load"), format!("{command} --test under-load {filter}"));
        assert_eq!(rerun("my-shop::bin/shop"), format!("{command} --bin shop {filter}"));
        assert_eq!(rerun("my-shop"), format!("{command} {filter}"));
    }

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        let command = program("/t/deps/chaos-01", &[]).rerun(
            "it's odd",
            Seed::new(1),
            &[("CHAOS_BACKEND", "process".to_owned()), ("CHAOS_REQUIRE", "a b".to_owned())],
        );
        let words = shell_words::split(&command).unwrap();
        assert_eq!(words[..4], ["CHAOS_SEED=0x1", "CHAOS_BACKEND=process", "CHAOS_REQUIRE=a b", "cargo"]);
        assert_eq!(words[words.len() - 3..], ["--exact", "it's odd", "--include-ignored"]);
    }
}
