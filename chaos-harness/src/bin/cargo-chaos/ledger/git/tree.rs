//! The files of a ledger in a commit: only those that are needed are looked at, and none is checked out by git, which would
//! follow links, attributes and filters.

use super::GitError;
use super::command::Git;
use chaos_harness::ledger::{ExperimentId, Ledger};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The experiments whose files are needed.
#[derive(Debug, Clone)]
pub(crate) enum Needed {
    All,
    Only(BTreeSet<ExperimentId>),
}

impl Needed {
    /// These, and others.
    pub(super) fn and(&self, others: impl IntoIterator<Item = ExperimentId>) -> Self {
        match self {
            Self::All => Self::All,
            Self::Only(experiments) => Self::Only(experiments.iter().cloned().chain(others).collect()),
        }
    }
}

/// Where in a repository a ledger is: at its root, or in a folder, with a slash at its end.
#[derive(Debug, Clone, Default)]
pub(super) struct Prefix(String);

impl Prefix {
    pub(super) fn new(path: &str) -> Result<Self, GitError> {
        let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let is_odd = |part: &&str| *part == ".." || part.contains(char::is_control);
        if path.starts_with('/') || parts.is_empty() || parts.iter().any(is_odd) {
            return Err(GitError::Path(path.to_owned()));
        }
        Ok(Self(parts.join("/") + "/"))
    }

    /// The folder, without the slash.
    pub(super) fn folder(&self) -> &str {
        self.0.trim_end_matches('/')
    }
}

/// A file in the index.
struct Entry<'a> {
    object: &'a str,
    /// Its path in the ledger.
    path: &'a str,
}

impl Git {
    /// Makes a commit what the next one is made of; without one, nothing.
    pub(super) fn start_from(&self, commit: Option<&str>) -> Result<(), GitError> {
        self.run(["read-tree", commit.unwrap_or("--empty")]).map(drop)
    }

    /// The ledger in what was started from, with the files that are needed, in an empty folder.
    pub(super) fn ledger(&self, prefix: &Prefix, needed: &Needed, folder: &Path) -> Result<Ledger, GitError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| GitError::Write { path, source }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let ledger = Ledger::scratch(folder);
        let wanted: Option<BTreeSet<PathBuf>> = match needed {
            Needed::All => None,
            Needed::Only(only) => Some(only.iter().flat_map(|experiment| ledger.files(experiment)).collect()),
        };
        let listed = self.feed(["ls-files", "--stage", "-z"], &[])?;
        let listed = String::from_utf8_lossy(&listed);
        let entries = listed.split('\0').filter_map(|line| Entry::parse(line, prefix)).filter(|entry| {
            // What is about the ledger as a whole has no folder.
            wanted
                .as_ref()
                .is_none_or(|wanted| !entry.path.contains('/') || wanted.contains(&folder.join(entry.path)))
        });
        let entries: Vec<_> = entries.collect();
        let objects: Vec<_> = entries.iter().map(|entry| entry.object).collect();
        let objects = objects.join("\n");
        let contents = self.feed(["cat-file", "--batch"], objects.as_bytes())?;
        let mut rest = contents.as_slice();
        for entry in entries {
            let path = folder.join(entry.path);
            let content = take_blob(&mut rest).ok_or(GitError::Garbled)?;
            let made = path.parent().map_or(Ok(()), fs::create_dir_all);
            made.and_then(|()| fs::write(&path, content)).map_err(failed(&path))?;
        }
        Ok(ledger)
    }

    /// Whether what was started from is a ledger at its root, or nothing yet: then a mistaken name has not led to other things.
    pub(super) fn is_ledger(&self) -> Result<bool, GitError> {
        let listed = self.run(["ls-files", "-z"])?;
        let files = || listed.split('\0').filter(|file| !file.is_empty());
        let is_about = |file: &str| file.starts_with('.') || Ledger::ABOUT.contains(&file);
        Ok(files().any(|file| file.ends_with(".events.jsonl") && file.split('/').count() == 3)
            || files().all(is_about))
    }

    /// A commit of what was started from, with the ledger's files as they are in a folder now.
    pub(super) fn commit(
        &self,
        parent: Option<&str>,
        prefix: &Prefix,
        (folder, changed): (&Path, &[PathBuf]),
        message: &str,
    ) -> Result<String, GitError> {
        let paths: Vec<_> = changed.iter().map(|path| path.display().to_string()).collect();
        let paths = paths.join("\n");
        let objects = self.feed(["hash-object", "-w", "--no-filters", "--stdin-paths"], paths.as_bytes())?;
        let objects = String::from_utf8_lossy(&objects);
        let mut entries = String::new();
        for (object, path) in objects.lines().zip(changed) {
            let in_ledger = path.strip_prefix(folder).unwrap_or(path).display();
            // Writing to a string cannot fail.
            let _ = write!(entries, "100644 {object}\t{}{in_ledger}\0", prefix.0);
        }
        self.feed(["update-index", "-z", "--index-info"], entries.as_bytes())?;
        let tree = self.run(["write-tree"])?;
        let mut commit = vec!["commit-tree", &tree, "-F", "-"];
        commit.extend(parent.iter().flat_map(|parent| ["-p", parent]));
        let commit = self.feed(commit, message.as_bytes())?;
        Ok(String::from_utf8_lossy(&commit).trim_end().to_owned())
    }

    /// What a commit says of itself under a name, once; nothing where it does not. In what was fetched without its history, this
    /// is the only place that names its parent.
    pub(super) fn header(&self, commit: &str, name: &str) -> Result<String, GitError> {
        let text = self.run(["cat-file", "commit", commit])?;
        let headers = text.lines().take_while(|line| !line.is_empty());
        let said = headers.filter_map(|line| line.split_once(' ')).find(|(header, _)| *header == name);
        Ok(said.map_or_else(String::new, |(_, said)| said.to_owned()))
    }

    /// The tree of a commit, or of a folder in it; `None` where it has no such folder.
    pub(super) fn tree_at(&self, commit: &str, prefix: &Prefix) -> Result<Option<String>, GitError> {
        let object = format!("{commit}:{}", prefix.folder());
        let found = self.attempt(["rev-parse", "--verify", "--quiet", &object], &[])?;
        Ok(found.ok().map(|tree| String::from_utf8_lossy(&tree).trim_end().to_owned()))
    }
}

impl<'a> Entry<'a> {
    /// What git lists of an ordinary file of the ledger: `100644 <object> 0\t<path>`.
    fn parse(line: &'a str, prefix: &Prefix) -> Option<Self> {
        let (about, path) = line.split_once('\t')?;
        let path = path.strip_prefix(prefix.0.as_str())?;
        let object =
            about.strip_prefix("100644 ").or_else(|| about.strip_prefix("100755 "))?.split(' ').next()?;
        // Git has no others either.
        let is_plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        is_plain.then_some(Self { object, path })
    }
}

/// The next of the objects that git prints in a row: `<object> blob <bytes>\n<content>\n`.
fn take_blob<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end_of_line = rest.iter().position(|byte| *byte == b'\n')?;
    let (line, content) = rest.split_at(end_of_line);
    let mut words = str::from_utf8(line).ok()?.split(' ').skip(1);
    let ("blob", Some(bytes)) = (words.next()?, words.next()) else { return None };
    let (content, after) = content.get(1..)?.split_at_checked(bytes.parse().ok()?)?;
    *rest = after.strip_prefix(b"\n")?;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_in_a_folder_below_the_root() {
        for path in ["chaos/ledger", "./chaos//ledger/"] {
            assert_eq!(Prefix::new(path).unwrap().0, "chaos/ledger/");
        }
        for path in ["", ".", "/", "/chaos", "../chaos", "a/../b", "a\nb"] {
            let said = Prefix::new(path).unwrap_err().to_string();
            assert!(said.contains("chaos/ledger"), "{said}");
        }
    }

    #[test]
    fn only_ordinary_files_of_the_ledger_are_taken() {
        let prefix = Prefix::new("chaos/ledger").unwrap();
        let path = |line| Entry::parse(line, &prefix).map(|entry| (entry.object, entry.path));
        assert_eq!(path("100644 0ab 0\tchaos/ledger/shop/t/x.json"), Some(("0ab", "shop/t/x.json")));
        for other in [
            "120000 0ab 0\tchaos/ledger/x",
            "160000 0ab 0\tchaos/ledger/x",
            "100644 0ab 0\tchaos/x",
            "100644 0ab 0\tchaos/ledger/../x",
            "",
        ] {
            assert_eq!(path(other), None, "{other}");
        }
    }

    #[test]
    fn objects_in_a_row_are_taken_apart() {
        let mut rest: &[u8] = b"0a blob 3\na\nb\n0b blob 0\n\n0c missing\n";
        assert_eq!(take_blob(&mut rest), Some(&b"a\nb"[..]));
        assert_eq!(take_blob(&mut rest), Some(&b""[..]));
        assert_eq!(take_blob(&mut rest), None);
        assert_eq!(take_blob(&mut &b"0a blob 9\nab\n"[..]), None);
    }
}
