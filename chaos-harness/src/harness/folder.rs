//! Where a run and its trials leave what they have to say: `target/chaos/<run>/<trial>/`.

use crate::clock;
use crate::ledger::moment::civil_date;
use crate::safety::private;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The file that cargo puts into the folder of build products.
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// Longest name of a trial's folder: file systems take 255 bytes, and suffixes come on top.
const LONGEST: usize = 160;

/// The name of a run: what all its trials have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunId(String);

impl RunId {
    /// The run this process is part of: nextest's, which gives each trial a process, or one of its own.
    pub(crate) fn current() -> Self {
        match std::env::var("NEXTEST_RUN_ID") {
            Ok(id) if !id.is_empty() => Self(safe(&id)),
            _ => Self::fresh(clock::since_epoch().as_secs(), std::process::id()),
        }
    }

    /// Its folder, among those of all runs.
    pub(crate) fn folder(&self, runs: &Path) -> PathBuf {
        runs.join(&self.0)
    }

    /// A name that sorts by time: `20261123-192403-4711`, in UTC.
    fn fresh(seconds: u64, process: u32) -> Self {
        let (year, month, day) = civil_date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        Self(format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{process}"))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A folder could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the folder {}: CHAOS_TARGET_DIR names another place for results", path.display())]
pub(crate) struct FolderError {
    path: PathBuf,
    source: io::Error,
}

/// The folder of all runs, `target/chaos`: below `target_dir`, or where this program was built.
pub(crate) fn runs_folder(target_dir: Option<&Path>) -> PathBuf {
    let target = match target_dir {
        Some(target_dir) => target_dir.to_owned(),
        None => std::env::current_exe()
            .ok()
            .and_then(|program| target_dir_of(&program))
            .unwrap_or("target".into()),
    };
    target.join("chaos")
}

/// The folder of build products that a test program is in: `<target>/[triple/]<profile>/deps/<program>`.
fn target_dir_of(program: &Path) -> Option<PathBuf> {
    if let Some(tagged) = program.ancestors().skip(1).find(|folder| folder.join(CACHE_TAG).is_file()) {
        return Some(tagged.to_owned());
    }
    // Unpacked from an archive, or made by an old cargo.
    let deps = program.ancestors().find(|folder| folder.ends_with("deps"))?;
    let target = deps.parent()?.parent()?;
    let is_triple = target.file_name()?.to_str()?.matches('-').count() >= 2;
    Some(if is_triple { target.parent()? } else { target }.to_owned())
}

/// The folder of one trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrialFolder {
    path: PathBuf,
    tag: String,
}

impl TrialFolder {
    /// Makes the folder of a trial, a new one for each attempt at it, and points `latest` at its run.
    pub(crate) fn create(runs: &Path, run: &RunId, trial: &str) -> Result<Self, FolderError> {
        let attempt =
            std::env::var("NEXTEST_ATTEMPT").ok().and_then(|attempt| attempt.parse().ok()).unwrap_or(1);
        Self::create_attempt(runs, run, trial, attempt)
    }

    fn create_attempt(runs: &Path, run: &RunId, trial: &str, attempt: u32) -> Result<Self, FolderError> {
        let run_folder = run.folder(runs);
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| FolderError { path, source }
        };
        private::create_dir_all(&run_folder).map_err(failed(&run_folder))?;
        let name = match attempt {
            0 | 1 => safe(trial),
            _ => format!("{}-attempt-{attempt}", safe(trial)),
        };
        // A run may come by the same trial again: nextest's stress runs do.
        let names = std::iter::once(name.clone()).chain((2..).map(|time| format!("{name}-time-{time}")));
        for name in names {
            let path = run_folder.join(&name);
            match private::create_dir(&path) {
                Ok(()) => {
                    point_to_latest(runs, run);
                    return Ok(Self { path, tag: format!("{run}/{name}") });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&path)(error)),
            }
        }
        unreachable!("there are more numbers than folders")
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What tells this trial from every other, of this run and of others: for labels and tags.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }
}

/// Replaces the link in one step, so that there always is one. It is a convenience: a trial does not fail for it.
fn point_to_latest(runs: &Path, run: &RunId) {
    let latest = runs.join("latest");
    if fs::read_link(&latest).is_ok_and(|target| target == Path::new(&run.0)) {
        return;
    }
    // One name for all: what a killed process left there is replaced by the next one.
    let new = runs.join(".latest");
    drop(fs::remove_file(&new));
    let replaced = symlink(&run.0, &new).and_then(|()| fs::rename(&new, &latest));
    if let Err(error) = replaced {
        tracing::debug!(%error, "cannot point {} at this run", latest.display());
    }
}

/// A name that every file system takes.
fn safe(name: &str) -> String {
    let name = name.replace("::", ".");
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    let clean: String = name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    // The end tells more than the beginning: it has the stage.
    let clean = &clean[clean.len().saturating_sub(LONGEST)..];
    let visible = clean.trim_start_matches(['.', '-']);
    if visible.is_empty() { "unnamed".to_owned() } else { visible.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(id: &str) -> RunId {
        RunId(id.to_owned())
    }

    #[test]
    fn a_run_is_named_after_its_time_and_process() {
        assert_eq!(RunId::fresh(1_795_461_843, 4711).to_string(), "20261123-192403-4711");
        assert_eq!(RunId::fresh(0, 1).to_string(), "19700101-000000-1");
        assert_eq!(RunId::fresh(951_782_400, 1).to_string(), "20000229-000000-1");
        assert_eq!(RunId::fresh(4_107_542_400, 1).to_string(), "21000301-000000-1");
    }

    #[test]
    fn each_attempt_has_a_folder_of_its_own_and_latest_leads_to_its_run() {
        let runs = tempfile::tempdir().unwrap();
        let create = |id, attempt| {
            TrialFolder::create_attempt(runs.path(), &run(id), "cart::slow::1_half", attempt).unwrap()
        };
        assert_eq!(create("a", 1).path(), runs.path().join("a/cart.slow.1_half"));
        assert_eq!(create("a", 2).path(), runs.path().join("a/cart.slow.1_half-attempt-2"));
        let again = create("a", 1);
        assert_eq!(again.path(), runs.path().join("a/cart.slow.1_half-time-2"));
        assert_eq!(again.tag(), "a/cart.slow.1_half-time-2");
        assert_eq!(fs::read_link(runs.path().join("latest")).unwrap(), Path::new("a"));
        create("b", 1);
        assert_eq!(fs::read_link(runs.path().join("latest")).unwrap(), Path::new("b"));
    }

    #[test]
    fn a_place_that_takes_no_folders_is_named_with_the_remedy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = TrialFolder::create_attempt(file.path(), &run("a"), "t", 1).unwrap_err().to_string();
        assert!(
            error.contains(&file.path().display().to_string()) && error.contains("CHAOS_TARGET_DIR"),
            "{error}"
        );
    }

    #[test]
    fn build_products_are_found_from_the_program() {
        let root = tempfile::tempdir().unwrap();
        let found = |path: &str| target_dir_of(&root.path().join(path));
        assert_eq!(found("w/target/debug/deps/t-01"), Some(root.path().join("w/target")));
        assert_eq!(
            found("w/target/x86_64-unknown-linux-gnu/debug/deps/t-01"),
            Some(root.path().join("w/target"))
        );
        assert_eq!(found("bin/t"), None);

        // The tag decides where there is one: a folder may be named like a target triple, or laid out otherwise.
        let odd = root.path().join("my-own-target-dir");
        fs::create_dir_all(&odd).unwrap();
        fs::write(odd.join(CACHE_TAG), "").unwrap();
        assert_eq!(found("my-own-target-dir/debug/deps/t-01"), Some(odd.clone()));
        assert_eq!(found("my-own-target-dir/debug/build/t/01/out/t"), Some(odd));
    }

    proptest! {
        // Each case writes to a disk.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_trial_has_a_folder(trial in any::<String>()) {
            let runs = tempfile::tempdir().unwrap();
            let folder = TrialFolder::create_attempt(runs.path(), &run("r"), &trial, 1).unwrap();
            prop_assert_eq!(folder.path().parent().unwrap(), runs.path().join("r"));
        }
    }

    #[test]
    fn the_end_of_a_long_name_is_kept() {
        let name = safe(&format!("{}::2_half", "m".repeat(500)));
        assert!(name.len() <= LONGEST && name.ends_with(".2_half"), "{name}");
    }
}
