//! Processes that an instance started and that left its group, as PostgreSQL's do.
//!
//! Nothing tells whose they are once their ancestors are gone: they may carry no tag any more. So they are looked for while
//! the instance lives, and each is in the undo log by itself.

use crate::BoxError;
use crate::safety::{ProcessId, UndoAction, UndoId, UndoLog, kill_with_all, strays_of};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

/// Those of one instance that are known, with how to end them in the undo log.
#[derive(Debug, Default)]
pub(super) struct Strays(BTreeMap<ProcessId, UndoId>);

impl Strays {
    /// Looks for more of them. Each that is there is in the undo log when this returns.
    pub(super) fn look(&mut self, root: ProcessId, undo: &UndoLog) -> io::Result<()> {
        for stray in strays_of(root)? {
            if let Entry::Vacant(new) = self.0.entry(stray) {
                let ProcessId { pid, started } = stray;
                let record = *new.insert(undo.record(UndoAction::KillProcess { pid, started })?);
                undo.applied(record)?;
            }
        }
        Ok(())
    }

    /// Kills them, with all that came of them. One that does not end stays in the undo log.
    pub(super) async fn end(&mut self, undo: &UndoLog) -> Result<(), BoxError> {
        while let Some((stray, record)) = self.0.pop_first() {
            kill_with_all(stray).await?;
            undo.done(record)?;
        }
        Ok(())
    }
}
