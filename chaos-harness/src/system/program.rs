//! Where programs are: commands on the `PATH`, and the binaries that cargo built.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A program that is not there, and how to get it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotFound {
    #[error("command not found: {program}; {}", install(program))]
    Command { program: String },
    #[error("binary `{name}` was not built: run `cargo build --bin {name}`; looked in {looked}")]
    Binary { name: String, looked: String },
}

/// Debian's packages of the commands that experiments commonly run.
const PACKAGES: [(&str, &str); 6] = [
    ("memcached", "memcached"),
    ("nats-server", "nats-server"),
    ("nginx", "nginx"),
    ("postgres", "postgresql"),
    ("redis-server", "redis-server"),
    ("valkey-server", "valkey-server"),
];

fn install(program: &str) -> String {
    match PACKAGES.iter().find(|(command, _)| *command == program) {
        Some((_, package)) => format!("install it (Debian: apt-get install {package}) or put it on the PATH"),
        None => "install it or put it on the PATH".to_owned(),
    }
}

/// The program a command line names: on the `PATH`, or where the line says when it holds a slash.
pub(crate) fn command(program: &str, path: Option<OsString>) -> Result<PathBuf, NotFound> {
    let not_found = || NotFound::Command { program: program.to_owned() };
    if program.contains('/') {
        let path = PathBuf::from(program);
        return if is_executable(&path) { Ok(path) } else { Err(not_found()) };
    }
    let path = path.unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| is_executable(path))
        .ok_or_else(not_found)
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// A binary that cargo built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    /// Why it may not be the one that the sources say.
    pub(crate) stale: Option<String>,
}

/// What is known about where cargo puts binaries.
pub(crate) struct Surroundings<'a> {
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The test binary that is running.
    pub(crate) test: Option<PathBuf>,
}

impl Surroundings<'_> {
    /// Those of this process.
    pub(crate) fn here() -> Self {
        Self { variable: &|name| env::var_os(name), test: env::current_exe().ok() }
    }

    /// The folders that cargo may have put a binary in, without saying so.
    fn folders(&self) -> Vec<PathBuf> {
        // `<target>/<profile>/deps/<test>-<hash>`
        let Some(profile) = self.test.as_deref().and_then(Path::parent).and_then(Path::parent) else {
            return Vec::new();
        };
        let mut folders = vec![profile.to_owned()];
        // With a build folder of its own (`build.build-dir`), tests run from there and binaries are put elsewhere.
        if let Some(profile) = profile.file_name() {
            let target = (self.variable)("CARGO_TARGET_DIR").map(PathBuf::from);
            let package = (self.variable)("CARGO_MANIFEST_DIR").map(PathBuf::from);
            let targets =
                package.iter().flat_map(|package| package.ancestors()).map(|folder| folder.join("target"));
            folders.extend(target.into_iter().chain(targets).map(|target| target.join(profile)));
        }
        folders
    }
}

/// The binary target `name`: where nextest or cargo say it is, else where the expansion captured it (`built`), else
/// beside the test binary, with a warning when it is older than the test.
pub(crate) fn binary(name: &str, built: Option<&str>, around: &Surroundings<'_>) -> Result<Binary, NotFound> {
    // Shells cannot set names with a dash, so nextest offers both spellings.
    let plain = name.replace('-', "_");
    let variables = [
        format!("NEXTEST_BIN_EXE_{name}"),
        format!("NEXTEST_BIN_EXE_{plain}"),
        format!("CARGO_BIN_EXE_{name}"),
    ];
    let said = variables.iter().filter_map(|variable| (around.variable)(variable)).map(PathBuf::from);
    let mut looked = Vec::new();
    for path in said.chain(built.map(PathBuf::from)) {
        if is_executable(&path) {
            return Ok(Binary { path, stale: None });
        }
        looked.push(path);
    }
    for folder in around.folders() {
        let path = folder.join(name);
        if is_executable(&path) {
            let stale = is_older(&path, around.test.as_deref()).then(|| {
                format!(
                    "{} is older than the test that runs it, and cargo was not asked to rebuild it: \
                     run `cargo build --bin {name}` if its sources have changed",
                    path.display()
                )
            });
            return Ok(Binary { path, stale });
        }
        looked.push(path);
    }
    looked.dedup();
    let looked: Vec<_> = looked.iter().map(|path| path.display().to_string()).collect();
    Err(NotFound::Binary { name: name.to_owned(), looked: looked.join(", ") })
}

fn is_older(path: &Path, than: Option<&Path>) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    than.and_then(modified).is_some_and(|other| modified(path).is_some_and(|own| own < other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::time::Duration;

    fn executable(path: &Path) -> String {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_command_is_found_on_the_path_only_if_it_can_be_run() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("redis-server"), "").unwrap();
        let path = Some(folder.path().as_os_str().to_owned());
        let error = command("redis-server", path.clone()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "command not found: redis-server; install it (Debian: apt-get install redis-server) or put it on the PATH"
        );
        let there = executable(&folder.path().join("bin/own"));
        assert_eq!(command(&there, None), Ok(PathBuf::from(&there)));
        assert!(command("own", path).is_err());
        assert!(command("own", Some(folder.path().join("bin").into_os_string())).is_ok());
    }

    #[test]
    fn a_binary_is_looked_for_in_the_stated_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| executable(&folder.path().join(name));
        let (nextest, cargo, built) = (at("nextest"), at("cargo"), at("built"));
        let beside = at("target/debug/my-app");
        let test = at("target/debug/deps/chaos-0123");
        let look = |variables: &[(&str, &String)], built: Option<&str>| {
            let variables: HashMap<_, _> = variables.iter().copied().collect();
            let variable = |name: &str| variables.get(name).map(OsString::from);
            binary("my-app", built, &Surroundings { variable: &variable, test: Some(test.clone().into()) })
                .map(|found| found.path)
        };
        let all = [("NEXTEST_BIN_EXE_my_app", &nextest), ("CARGO_BIN_EXE_my-app", &cargo)];
        assert_eq!(look(&all, Some(&built)), Ok(nextest.clone().into()));
        assert_eq!(look(&all[1..], Some(&built)), Ok(cargo.clone().into()));
        assert_eq!(look(&[], Some(&built)), Ok(built.clone().into()));
        assert_eq!(look(&[], Some("/gone")), Ok(beside.clone().into()));
        fs::remove_file(&beside).unwrap();
        let error = look(&[], Some("/gone")).unwrap_err().to_string();
        assert!(error.contains("run `cargo build --bin my-app`"), "{error}");
        assert!(error.contains("/gone") && error.contains(&beside), "{error}");
    }

    #[test]
    fn a_binary_older_than_the_test_comes_with_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let beside = executable(&folder.path().join("debug/app"));
        let test = PathBuf::from(executable(&folder.path().join("debug/deps/chaos-0123")));
        let file = fs::File::options().write(true).open(&beside).unwrap();
        let modified = fs::metadata(&test).unwrap().modified().unwrap();
        let find =
            || binary("app", None, &Surroundings { variable: &|_| None, test: Some(test.clone()) }).unwrap();
        file.set_modified(modified - Duration::from_secs(5)).unwrap();
        assert!(find().stale.is_some_and(|why| why.contains("cargo build --bin app")));
        file.set_modified(modified + Duration::from_secs(5)).unwrap();
        assert_eq!(find().stale, None);
    }
}
