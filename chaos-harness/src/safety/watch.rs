//! The folder `open`, in the folder of all runs: one link for each undo log that is in use, so that looking for leftovers
//! costs one listing, however many runs there were.

use super::private;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

/// The name of the folder with the links, in the folder of all runs.
const FOLDER: &str = "open";

/// An entry of the folder `open`: an undo log that is in use.
#[derive(Debug)]
pub(super) struct Watch(PathBuf);

impl Watch {
    /// Where an undo log, which is in the folder of its run, is to be entered.
    pub(super) fn of(root: &Path, undo_log: &Path) -> io::Result<Self> {
        private::create_dir_all(&root.join(FOLDER))?;
        let run = undo_log.parent().and_then(Path::file_name).unwrap_or_default();
        // A log's name is unique within its run, and the run's within the root.
        let mut name = run.to_owned();
        name.push("+");
        name.push(undo_log.file_stem().unwrap_or_default());
        // The guard works in another folder.
        Ok(Self(root.canonicalize()?.join(FOLDER).join(name)))
    }

    /// Enters this undo log. The entry is durable when this returns.
    pub(super) fn begin(&self, undo_log: &Path) -> io::Result<()> {
        let run = undo_log.parent().and_then(Path::file_name).unwrap_or_default();
        let file = undo_log.file_name().unwrap_or_default();
        // Not by the whole path: a container may have the folder of runs at another place.
        match symlink(Path::new("..").join(run).join(file), &self.0) {
            // By an earlier try: what is entered goes by the name.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            entered => entered?,
        }
        let runs = self.runs();
        for folder in [&runs.join(FOLDER), &runs.join(run), runs] {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// The entry of another process.
    pub(super) fn resume(path: OsString) -> Self {
        Self(path.into())
    }

    /// Where the entry is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The log it stands for: one below the folder of runs, whatever it says.
    pub(super) fn undo_log(&self) -> io::Result<PathBuf> {
        let link = fs::read_link(&self.0)?;
        let parts: Vec<_> = link.components().collect();
        match *parts.as_slice() {
            [Component::ParentDir, Component::Normal(run), Component::Normal(file)] => {
                Ok(self.runs().join(run).join(file))
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it leads out of the folder of runs")),
        }
    }

    /// The folder of all runs.
    pub(super) fn runs(&self) -> &Path {
        self.0.parent().and_then(Path::parent).unwrap_or(Path::new(""))
    }

    /// Takes the log out: nothing is left to be undone.
    pub(super) fn end(&self) {
        // At worst the next run reads a log with nothing open.
        drop(fs::remove_file(&self.0));
    }
}

/// The entries of this folder of all runs.
pub(super) fn watches(runs: &Path) -> io::Result<Vec<Watch>> {
    match fs::read_dir(runs.join(FOLDER)) {
        Ok(entries) => entries.map(|entry| Ok(Watch(entry?.path()))).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::safety::undo::UndoLog;

    /// A log in the folder of a run, entered.
    pub(in crate::safety) fn log_of(root: &Path, trial: &str) -> (UndoLog, PathBuf, Watch) {
        let folder = root.join("run");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{trial}.log"));
        let log = UndoLog::create(&path).unwrap();
        let watch = Watch::of(root, &path).unwrap();
        watch.begin(&path).unwrap();
        (log, path, watch)
    }
}
