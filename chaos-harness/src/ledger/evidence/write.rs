//! Writing evidence: whole or not at all, and never over another.

use super::Evidence;
use crate::ledger::experiment_id::{cut, file_name};
use crate::redact::Redactor;
use crate::safety::private;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Most trials of the same stage and attempt in a run: stress runs have many.
const MOST_TIMES: u32 = 10_000;

/// Evidence could not be written: the trial counts for nothing in the ledger.
#[derive(Debug, thiserror::Error)]
#[error("the evidence for the ledger cannot be written to {}: this trial will count for nothing there", path.display())]
pub struct WriteEvidenceError {
    path: PathBuf,
    source: io::Error,
}

pub(super) fn write(
    evidence: &Evidence,
    runs: &Path,
    redactor: &Redactor,
) -> Result<PathBuf, WriteEvidenceError> {
    let named = |text: &str| file_name(&redactor.text(text));
    let folder = runs.join(cut(named(&evidence.run.id))).join(evidence.experiment.folder());
    let stage = cut(format!("{}_{}", evidence.stage.number, named(&evidence.stage.name)));
    let name = format!("{stage}-{}", evidence.attempt);
    write_new(evidence, redactor, &folder, &name)
        .map_err(|source| WriteEvidenceError { path: folder.join(format!("{name}.json")), source })
}

fn write_new(evidence: &Evidence, redactor: &Redactor, folder: &Path, name: &str) -> io::Result<PathBuf> {
    if let Some(word) = unspeakable(evidence, redactor) {
        return Err(io::Error::other(format!("`{word}` is part of what is not to be shown")));
    }
    let mut text = redactor.pretty(evidence)?;
    text.push(b'\n');
    private::create_dir_all(folder)?;
    let begun = Begun::new(folder, name, &text)?;
    (1..=MOST_TIMES)
        .map(|time| if time == 1 { format!("{name}.json") } else { format!("{name}-{time}.json") })
        .find_map(|name| begun.finish(&folder.join(name)).transpose())
        .unwrap_or_else(|| Err(io::ErrorKind::AlreadyExists.into()))
}

/// What evidence must say as it is, and would not: without it nobody could read it. What is hidden in it is shown as such.
fn unspeakable(evidence: &Evidence, redactor: &Redactor) -> Option<String> {
    let Evidence { experiment, fingerprint, seed, at, verdict, .. } = evidence;
    let told = [experiment.to_string(), fingerprint.to_string(), seed.to_string(), at.to_string()];
    let told =
        told.into_iter().chain(evidence.as_of.map(|as_of| as_of.to_string())).chain([verdict.to_string()]);
    let mut told = told.map(|word| (redactor.text(&word).into_owned(), word));
    told.find(|(shown, word)| shown != word).map(|(shown, _)| shown)
}

/// A file that is whole, under a name that nobody reads. Dropped, it is gone.
struct Begun(PathBuf);

impl Begun {
    fn new(folder: &Path, name: &str, text: &[u8]) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".{name}.{}-{count}", std::process::id()));
        // A process of the same number that was killed; none that lives.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private::create_new(&path)?;
        let begun = Self(path);
        file.write_all(text)?;
        file.sync_all()?;
        Ok(begun)
    }

    /// Gives it its name; `None` where another has it.
    fn finish(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        match fs::hard_link(&self.0, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            // Not every file system has links.
            Err(_) if path.try_exists()? => return Ok(None),
            Err(_) => fs::rename(&self.0, path)?,
            Ok(()) => {}
        }
        Ok(Some(path.to_owned()))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // After a rename it is not there.
        drop(fs::remove_file(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sample::evidence;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn no_secret_is_in_the_text_nor_in_the_name_of_the_file() {
        let runs = tempfile::tempdir().unwrap();
        let mut evidence = evidence();
        evidence.stage.name = "with_hunter2".to_owned();
        evidence.run.id = "run-hunter2".to_owned();
        evidence.why = "hunter2 was wrong".to_owned();
        let path = evidence.write_redacted(runs.path(), &Redactor::new(["hunter2"], [])).unwrap();
        assert!(!path.to_string_lossy().contains("hunter2"), "{}", path.display());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("[redacted] was wrong") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn what_cannot_be_told_without_a_secret_is_refused() {
        let runs = tempfile::tempdir().unwrap();
        let evidence = evidence();
        let year = evidence.at.to_string()[..4].to_owned();
        for secret in [&*year, "cart::slow", "upheld"] {
            let error = evidence.write_redacted(runs.path(), &Redactor::new([secret], [])).unwrap_err();
            let why = std::error::Error::source(&error).unwrap().to_string();
            assert!(why.contains("not to be shown") && !why.contains(secret), "{secret}: {why}");
        }
        assert!(Evidence::read_all(runs.path()).evidence.is_empty());
    }

    #[test]
    fn each_trial_has_a_file_of_its_own_for_its_owner_alone() {
        let runs = tempfile::tempdir().unwrap();
        let mut evidence = evidence();
        evidence.write(runs.path()).unwrap();
        evidence.attempt.trial = 2;
        let path = evidence.write(runs.path()).unwrap();
        assert_eq!(path, runs.path().join("4711/shop.chaos.cart.slow/2_small_percentage-1.2.json"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = evidence.write(runs.path()).unwrap();
        assert_eq!(again, path.with_file_name("2_small_percentage-1.2-2.json"));
        let folder = fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(folder.count(), 3, "nothing else is left");
    }

    #[test]
    fn trials_that_end_at_once_all_leave_theirs() {
        let runs = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for seed in 0..16 {
                let mut evidence = evidence();
                evidence.seed = crate::chance::Seed::new(seed);
                let runs = runs.path();
                scope.spawn(move || evidence.write(runs).unwrap());
            }
        });
        let gathered = Evidence::read_all(runs.path());
        assert_eq!(gathered.problems, []);
        let mut seeds: Vec<_> =
            gathered.evidence.iter().map(|(_, evidence)| evidence.seed.to_string()).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 16);
    }

    #[test]
    fn odd_names_stay_in_their_folder() {
        let runs = tempfile::tempdir().unwrap();
        let mut evidence = evidence();
        evidence.run.id = "../../run".to_owned();
        evidence.stage.name = "../x".repeat(100);
        let path = evidence.write(runs.path()).unwrap();
        assert!(path.starts_with(runs.path().join("%2E%2E%2F%2E%2E%2Frun")), "{}", path.display());
        assert_eq!(Evidence::read_all(runs.path()).evidence, [(path, evidence)]);
    }

    #[test]
    fn a_place_that_takes_no_file_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = evidence().write(file.path()).unwrap_err().to_string();
        assert!(
            error.contains("2_small_percentage-1.1.json") && error.contains("count for nothing"),
            "{error}"
        );
    }
}
