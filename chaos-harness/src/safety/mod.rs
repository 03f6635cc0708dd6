//! Crash safety. Knows nothing of experiments.

mod undo;

pub(crate) use undo::{UndoAction, UndoId, UndoLog};
