//! Writing files so that each is there as it was, or as it is to be, whatever happens.

use super::{Durability, Ledger, LedgerError};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file to be written.
pub(super) struct Writing {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

const ATTRIBUTES: &str = "\
# Events are only ever added: of a merge, both sides are right. States are made of them.
*.events.jsonl merge=union linguist-generated=true -text
*.json -text
";

const README: &str = "\
# Chaos ledger

Which stage each chaos experiment has earned, and how. `<package>/<target>/<experiment>.json` says where it stands;
`.events.jsonl` beside it has the events that this comes of, one a line, and is only ever added to.

Written by `cargo chaos ci record`, `promote` and `demote`. `cargo chaos status` shows it, and `cargo chaos ledger verify`
says whether each state is what its events say; with `--rebuild`, it makes them so, as after a merge that left a conflict in
a state.
";

/// Writes all of them: first beside what is there, so that a disk that is full changes nothing, then in its place.
pub(super) fn write_all(
    folder: &Path,
    mut writings: Vec<Writing>,
    durability: Durability,
) -> Result<(), LedgerError> {
    if writings.is_empty() {
        return Ok(());
    }
    for (name, text) in Ledger::ABOUT.into_iter().zip([ATTRIBUTES, README]) {
        let path = folder.join(name);
        if !path.exists() {
            writings.push(Writing { path, text: text.to_owned() });
        }
    }
    let staged =
        writings.iter().map(|writing| Staged::new(writing, durability)).collect::<Result<Vec<_>, _>>()?;
    let mut folders: Vec<_> = writings.iter().filter_map(|writing| writing.path.parent()).collect();
    for staged in staged {
        staged.finish()?;
    }
    if durability == Durability::Scratch {
        return Ok(());
    }
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| LedgerError::Write { path: folder.to_owned(), source })?;
    }
    Ok(())
}

/// A file that is on the disk, and not in its place yet. Dropped before, it is gone.
struct Staged<'a> {
    beside: PathBuf,
    path: &'a Path,
}

impl<'a> Staged<'a> {
    fn new(writing: &'a Writing, durability: Durability) -> Result<Self, LedgerError> {
        let path = writing.path.as_path();
        Self::try_new(path, &writing.text, durability)
            .map_err(|source| LedgerError::Write { path: path.to_owned(), source })
    }

    fn try_new(path: &'a Path, text: &str, durability: Durability) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = folder.join(format!(".{name}.new"));
        // Left by a recorder that was killed: one at a time is at work here.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
        let staged = Self { beside, path };
        file.write_all(text.as_bytes())?;
        if durability == Durability::Lasting {
            file.sync_all()?;
        }
        Ok(staged)
    }

    fn finish(self) -> Result<(), LedgerError> {
        fs::rename(&self.beside, self.path)
            .map_err(|source| LedgerError::Write { path: self.path.to_owned(), source })
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // In its place, it is not here.
        drop(fs::remove_file(&self.beside));
    }
}
