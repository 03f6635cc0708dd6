//! The undo log: the write-ahead list of what must be undone.
//!
//! An entry is durable before the thing it undoes is done. Whoever finds a log with open entries can put the world
//! right: the trial itself, the guard process when the trial's process is gone, or the next run when the machine was.
//!
//! A log is a file of lines, each with its checksum ([`line`]), and belongs to one test process: to the run, where that
//! is one process, as under `cargo test`. The process and its guard hold its lock: one that can be locked has lost both.

mod action;
#[cfg(fuzzing)]
mod fuzzing;
mod line;
mod log;
mod state;

pub(crate) use action::UndoAction;
#[cfg(fuzzing)]
pub use fuzzing::undo_log as fuzz_undo_log;
pub(crate) use line::UndoId;
pub(crate) use log::UndoLog;
pub(crate) use state::{LogState, OpenEntry, Progress};
