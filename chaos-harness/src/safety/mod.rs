//! What keeps an experiment from doing harm. Knows nothing of experiments.

pub(crate) mod breaker;
#[cfg(feature = "docker")]
mod containers;
mod guard;
mod leftovers;
mod perform;
mod process;
mod signals;
mod undo;
#[cfg(test)]
pub(crate) mod victim;

pub use breaker::Tripped;
#[cfg(feature = "docker")]
pub(crate) use containers::TRIAL_LABEL;
pub(crate) use guard::{Guard, GuardError, Reexec, become_guard_if_asked};
pub(crate) use leftovers::{Leftover, replay_leftovers};
pub(crate) use perform::{UndoError, UndoFailure, perform, put_right};
pub(crate) use process::{TRIAL_VARIABLE, process_start_time};
pub(crate) use signals::{Interrupt, Signal};
pub(crate) use undo::{OpenEntries, UndoAction, UndoId, UndoLog};
