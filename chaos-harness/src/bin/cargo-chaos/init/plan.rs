//! What is to be written, all of it known before any of it is done.

use super::InitError;
use serde::{Serialize, Serializer};
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// All that is to be written.
#[derive(Debug)]
pub(super) struct Plan {
    root: PathBuf,
    force: bool,
    pub(super) changes: Vec<Change>,
}

/// One file, and what becomes of it.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    #[serde(serialize_with = "as_text")]
    file: PathBuf,
    what: What,
    /// What is new in it.
    #[serde(skip_serializing_if = "String::is_empty")]
    added: String,
    #[serde(skip)]
    write: Option<Write>,
}

#[derive(Debug)]
struct Write {
    path: PathBuf,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Made,
    Changed,
    Kept,
}

fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

impl Change {
    pub(super) fn is_written(&self) -> bool {
        self.write.is_some()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Made => "made",
            What::Changed => "changed",
            What::Kept => "kept",
        };
        write!(f, "{what:<8} {}", self.file.display())?;
        if self.added.is_empty() { Ok(()) } else { write!(f, ": {}", self.added) }
    }
}

impl Plan {
    /// Files are shown relative to `root`.
    pub(super) fn new(root: &Path, force: bool) -> Self {
        Self { root: root.to_owned(), force, changes: Vec::new() }
    }

    /// What is in a file, if it is there.
    pub(super) fn read(file: &Path) -> Result<Option<String>, InitError> {
        match fs::read_to_string(file) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(InitError::Read { file: file.to_owned(), source }),
        }
    }

    /// A file that is to be there: one that is, and is another, stays as it is.
    pub(super) fn make(&mut self, file: PathBuf, text: &str) -> Result<(), InitError> {
        let what = match Self::read(&file)? {
            None => What::Made,
            Some(own) if self.force && own != text => What::Changed,
            Some(_) => What::Kept,
        };
        self.add(file, what, text.to_owned(), String::new());
        Ok(())
    }

    /// A file that is there, with something added.
    pub(super) fn change(&mut self, file: PathBuf, text: String, before: &str, added: &str) {
        if text == before {
            self.add(file, What::Kept, text, String::new());
        } else {
            self.add(file, What::Changed, text, added.to_owned());
        }
    }

    fn add(&mut self, path: PathBuf, what: What, text: String, added: String) {
        let file = path.strip_prefix(&self.root).unwrap_or(&path).to_owned();
        let write = (what != What::Kept).then_some(Write { path, text });
        self.changes.push(Change { file, what, added, write });
    }

    pub(super) fn carry_out(&self) -> Result<(), InitError> {
        for Write { path, text } in self.changes.iter().filter_map(|change| change.write.as_ref()) {
            let written =
                path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
            written.map_err(|source| InitError::Write { file: path.clone(), source })?;
        }
        Ok(())
    }
}
