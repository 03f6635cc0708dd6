//! What keeps an experiment from doing harm. Knows nothing of experiments.

pub(crate) mod breaker;
mod undo;

pub use breaker::Tripped;
pub(crate) use undo::{UndoAction, UndoId, UndoLog};
