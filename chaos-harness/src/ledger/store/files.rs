//! Which files a ledger has, and what is read of them.

use super::LedgerError;
use crate::ledger::form::FormError;
use crate::ledger::{ExperimentId, State};
use rustix::fs::OFlags;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Most bytes of a state.
const MOST_OF_STATE: usize = 64 << 10;

/// What is read at a time to begin with: more than a state has.
const FIRST_READ: usize = 4 << 10;

const STATE: &str = ".json";
pub(super) const EVENTS: &str = ".events.jsonl";

/// The two files of an experiment.
#[derive(Debug)]
pub(super) struct Files {
    /// The folder of its target.
    folder: PathBuf,
    stem: String,
    /// Whose they are; `None` where only they themselves say so.
    experiment: Option<ExperimentId>,
}

/// A file as it is, and what it says.
pub(super) struct Stored<T> {
    #[cfg_attr(not(feature = "records"), expect(dead_code, reason = "nothing is written"))]
    pub(super) bytes: Vec<u8>,
    pub(super) value: T,
}

impl Files {
    pub(super) fn of(folder: &Path, experiment: &ExperimentId) -> Self {
        let folder = folder.join(experiment.target_folder());
        Self { folder, stem: experiment.stem(), experiment: Some(experiment.clone()) }
    }

    /// Those of all experiments, by name.
    pub(super) fn all(folder: &Path) -> Result<Vec<Self>, LedgerError> {
        let mut all = Vec::new();
        for package in folders(folder)? {
            for target in folders(&package)? {
                let names = names(&target, fs::FileType::is_file)?;
                // A state is called `<stem>.json`; only what ends so otherwise has events and no state.
                let stems =
                    names.iter().filter_map(|name| name.strip_suffix(EVENTS).or(name.strip_suffix(STATE)));
                let mut stems: Vec<_> = stems.collect();
                stems.sort_unstable();
                stems.dedup();
                let files =
                    |stem: &str| Self { folder: target.clone(), stem: stem.to_owned(), experiment: None };
                all.extend(stems.into_iter().map(files));
            }
        }
        Ok(all)
    }

    pub(super) fn state(&self) -> PathBuf {
        self.called(STATE)
    }

    pub(super) fn called(&self, end: &str) -> PathBuf {
        self.folder.join([&self.stem, end].concat())
    }

    pub(super) fn read_state(&self) -> Result<Option<Stored<State>>, LedgerError> {
        let path = &self.state();
        let Some(bytes) = read_bounded(path, MOST_OF_STATE)? else { return Ok(None) };
        let value = State::from_text(&bytes).map_err(|error| explain(error, path, &bytes, 1, true))?;
        self.expect(&value.experiment, path, 1)?;
        Ok(Some(Stored { bytes, value }))
    }

    /// What these files say is about the experiment that they are called after.
    pub(super) fn expect(&self, found: &ExperimentId, path: &Path, line: usize) -> Result<(), LedgerError> {
        let is_right = match &self.experiment {
            Some(experiment) => found == experiment,
            None => self.stem == found.stem() && self.folder.ends_with(found.target_folder()),
        };
        if is_right {
            return Ok(());
        }
        Err(LedgerError::Foreign { path: path.to_owned(), line, found: Box::new(found.clone()) })
    }
}

/// Says what is wrong with text that begins at a line.
pub(super) fn explain(
    error: FormError,
    path: &Path,
    text: &[u8],
    first: usize,
    is_state: bool,
) -> LedgerError {
    let path = path.to_owned();
    let mut lines = text.split(|byte| *byte == b'\n').zip(first..);
    if let Some((_, line)) = lines.find(|(line, _)| is_conflict(line)) {
        return LedgerError::Conflict { path, line, is_state };
    }
    match error {
        FormError::Newer { schema } => LedgerError::Newer { path, line: first, schema },
        FormError::Damaged { line, reason } => {
            LedgerError::Damaged { path, line: first + line - 1, reason, is_state }
        }
    }
}

/// Whether git wrote this line between two sides of a conflict.
fn is_conflict(line: &[u8]) -> bool {
    [b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"].iter().any(|marker| line.starts_with(*marker))
}

/// The whole of a file; `None` where there is none.
pub(super) fn read_bounded(path: &Path, most: usize) -> Result<Option<Vec<u8>>, LedgerError> {
    let failed = |source| LedgerError::Read { path: path.to_owned(), source };
    // A pipe in its place holds nobody up, and a link leads nowhere else.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::with_capacity(FIRST_READ);
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > most {
        let source = io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes"));
        return Err(failed(source));
    }
    Ok(Some(bytes))
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, LedgerError> {
    let mut names = names(folder, fs::FileType::is_dir)?;
    names.sort_unstable();
    Ok(names.iter().map(|name| folder.join(name)).collect())
}

/// The names in a folder, of one kind, that this release gives; none where it is not there.
fn names(folder: &Path, kind: fn(&fs::FileType) -> bool) -> Result<Vec<String>, LedgerError> {
    let failed = |source| LedgerError::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let is_hidden = |name: &String| name.starts_with('.');
        let name = entry.file_name().into_string().ok().filter(|name| !is_hidden(name));
        if let Some(name) = name
            && kind(&entry.file_type().map_err(failed)?)
        {
            names.push(name);
        }
    }
    Ok(names)
}
