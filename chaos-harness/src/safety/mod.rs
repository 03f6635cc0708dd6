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
pub(crate) use containers::{RUN_LABEL, TRIAL_LABEL};
pub(crate) use guard::{Guard, Reexec, become_guard_if_asked};
pub(crate) use leftovers::replay_leftovers;
#[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
pub(crate) use perform::perform;
pub(crate) use perform::{kill_strays, put_right};
pub(crate) use signals::{Interrupt, Signal};
pub(crate) use undo::{UndoAction, UndoId, UndoLog};
