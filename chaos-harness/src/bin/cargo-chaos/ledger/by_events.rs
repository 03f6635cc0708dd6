//! A copy of a ledger in which each state is what its events say, whatever someone wrote there.

use chaos_harness::ledger::{Ledger, LedgerError, Mismatch};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes states what their events say, in a copy; what events do not decide is gone.
pub(super) fn go_by_events(copy: &Ledger) -> Result<(), LedgerError> {
    for mismatch in copy.rebuild()? {
        if !mismatch.can_be_rebuilt {
            let is_events = mismatch.path.extension().is_some_and(|extension| extension == "jsonl");
            let state = if is_events { state_beside(&mismatch.path) } else { mismatch.path };
            drop(fs::remove_file(state));
        }
    }
    Ok(())
}

/// The state whose events these are: `x.json` beside `x.events.jsonl`.
fn state_beside(events: &Path) -> PathBuf {
    events.with_extension("").with_extension("json")
}

/// Where a ledger is not what its events say, makes a copy that is; what was otherwise. There is no copy where there is none.
pub(crate) fn straighten(ledger: &Path, copy: &Path) -> io::Result<Vec<Mismatch>> {
    let mismatches = Ledger::open(ledger).verify().map_err(io::Error::other)?;
    if !mismatches.is_empty() {
        copy_all(ledger, copy)?;
        go_by_events(&Ledger::scratch(copy)).map_err(io::Error::other)?;
    }
    Ok(mismatches)
}

/// Files and folders; links lead elsewhere, and stay behind.
fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_all(&entry.path(), &to)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
