//! Reading evidence that machines elsewhere wrote.

use super::Evidence;
use crate::ledger::form::{FormError, read};
use rustix::fs::OFlags;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Most bytes of a file.
const MOST_BYTES: usize = 256 << 10;

/// Most files of evidence.
const MOST_FILES: usize = 100_000;

/// Most files and folders that are looked at.
const MOST_ENTRIES: usize = 1_000_000;

/// How deep folders may be within each other: downloaded artifacts have a folder each.
const DEEPEST: usize = 16;

/// The evidence below a folder.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What was read, and where.
    pub evidence: Vec<(PathBuf, Evidence)>,
    /// What could not be.
    pub problems: Vec<EvidenceError>,
}

/// A file that cannot be taken for evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct EvidenceError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

pub(super) fn gather(folder: &Path) -> Gathered {
    let mut gathered = Gathered::default();
    let mut to_visit = vec![(folder.to_owned(), 0)];
    let mut entries = 0;
    while let Some((folder, depth)) = to_visit.pop() {
        let listed = match list(&folder, MOST_ENTRIES - entries) {
            Ok(listed) => listed,
            Err(error) => {
                gathered.problem(&folder, format!("it cannot be read: {error}"));
                continue;
            }
        };
        entries += listed.len();
        for (path, kind) in listed {
            // Links are not followed: they may lead anywhere.
            if kind.is_dir() && depth < DEEPEST {
                to_visit.push((path, depth + 1));
            } else if kind.is_dir() {
                gathered.problem(&path, "folders are too deep within each other: it is not looked into");
            } else if kind.is_file() && is_evidence(&path) {
                gathered.take(path);
            }
            if gathered.evidence.len() + gathered.problems.len() > MOST_FILES {
                gathered.problem(
                    &folder,
                    format!("more than {MOST_FILES} files are evidence: the rest is not read"),
                );
                return gathered;
            }
        }
        if entries >= MOST_ENTRIES {
            gathered.problem(&folder, format!("more than {MOST_ENTRIES} files: the rest is not looked at"));
            return gathered;
        }
    }
    gathered.evidence.sort_by(|(one, _), (other, _)| one.cmp(other));
    gathered
}

impl Gathered {
    fn take(&mut self, path: PathBuf) {
        match read_file(&path) {
            Ok(evidence) => self.evidence.push((path, evidence)),
            Err(reason) => self.problem(&path, reason),
        }
    }

    fn problem(&mut self, path: &Path, reason: impl Into<String>) {
        self.problems.push(EvidenceError { path: path.to_owned(), reason: reason.into() });
    }
}

fn list(folder: &Path, most: usize) -> io::Result<Vec<(PathBuf, fs::FileType)>> {
    fs::read_dir(folder)?
        .take(most)
        .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))))
        .collect()
}

/// Whether a file is called like evidence, `2_name-1.1.json`: other things lie in the same folders.
fn is_evidence(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"));
    let Some((number, rest)) = name.and_then(|name| name.split_once('_')) else { return false };
    // The last words are the attempt, and perhaps which time it was.
    let is_attempt =
        |word: &str| word.split_once('.').is_some_and(|(run, trial)| is_number(run) && is_number(trial));
    let mut words = rest.rsplit('-');
    let last = words.next().unwrap_or_default();
    is_number(number) && (is_attempt(last) || is_number(last) && words.next().is_some_and(is_attempt))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn read_file(path: &Path) -> Result<Evidence, String> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut bytes = Vec::new();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    file.and_then(|file| file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.len() > MOST_BYTES {
        return Err(format!("it is longer than evidence is: more than {MOST_BYTES} bytes"));
    }
    if bytes.is_empty() {
        return Err("it is empty: whatever wrote it was cut off".to_owned());
    }
    read(&bytes).map_err(|error| match error {
        FormError::Newer { schema } => {
            format!("it is of form {schema}, which a newer release writes: record it with that")
        }
        FormError::Damaged { line, reason } => format!("it is not evidence: {reason}, in line {line}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sample::evidence;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_is_bad_is_told_and_the_rest_is_read() {
        let runs = tempfile::tempdir().unwrap();
        let good = evidence().write(runs.path()).unwrap();
        let text = fs::read_to_string(&good).unwrap();
        let folder = good.parent().unwrap();
        let put = |name: &str, content: &[u8]| fs::write(folder.join(name), content).unwrap();
        put("1_cut-1.1.json", &text.as_bytes()[..text.len() / 2]);
        put("1_empty-1.1.json", b"");
        put("1_binary-1.1.json", &[0xff, 0xfe, 0]);
        put("1_newer-1.1.json", text.replace("\"schema\": 1", "\"schema\": 2, \"more\": true").as_bytes());
        put("1_zero-1.1.json", text.replace("\"schema\": 1", "\"schema\": 0").as_bytes());
        put("1_long-1.1.json", &vec![b' '; MOST_BYTES + 1]);
        put("1_odd-1.1.json", text.replace("\"number\": 2", "\"number\": 9").as_bytes());
        put("1_run-1.1.json", text.replace("\"4711\"", "\"47\\n11\"").as_bytes());
        // None of these is called like evidence.
        put("report.json", b"{}");
        put("1_half.json", b"{}");
        put("1_half-1.json", b"{}");

        let gathered = Evidence::read_all(runs.path());
        assert_eq!(gathered.evidence, [(good, evidence())]);
        let said = |name: &str| {
            let problem = gathered.problems.iter().find(|problem| problem.path.ends_with(name));
            problem.map_or_else(
                || panic!("nothing of {name}: {:?}", gathered.problems),
                |problem| problem.reason.as_str(),
            )
        };
        assert!(said("1_cut-1.1.json").contains("ends in the middle"));
        assert!(said("1_empty-1.1.json").contains("empty"));
        assert!(said("1_binary-1.1.json").contains("not evidence"));
        assert!(said("1_newer-1.1.json").contains("newer release"));
        assert!(said("1_zero-1.1.json").contains("no form 0"));
        assert!(said("1_long-1.1.json").contains("longer"));
        assert!(said("1_odd-1.1.json").contains("stage 9 of 4"));
        assert!(said("1_run-1.1.json").contains("no plain text"));
        assert_eq!(gathered.problems.len(), 8);
    }

    #[test]
    fn links_are_not_followed_and_no_folder_is_too_deep() {
        let (runs, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let outside = evidence().write(elsewhere.path()).unwrap();
        symlink(elsewhere.path(), runs.path().join("linked")).unwrap();
        symlink(&outside, runs.path().join("1_linked-1.1.json")).unwrap();
        let deep = runs.path().join("d/".repeat(DEEPEST + 1));
        fs::create_dir_all(&deep).unwrap();
        let gathered = Evidence::read_all(runs.path());
        assert_eq!(gathered.evidence, []);
        assert!(matches!(&gathered.problems[..], [only] if only.reason.contains("too deep")), "{gathered:?}");
    }

    #[test]
    fn a_pipe_in_the_place_of_evidence_holds_nobody_up() {
        let runs = tempfile::tempdir().unwrap();
        let pipe = runs.path().join("1_pipe-1.1.json");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(Evidence::read_all(runs.path()).evidence.is_empty());
        assert!(read_file(&pipe).is_err());
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let runs = tempfile::tempdir().unwrap();
        let gathered = Evidence::read_all(&runs.path().join("none"));
        assert!(gathered.problems[0].to_string().contains("cannot be read"));
    }
}
