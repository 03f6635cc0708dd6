//! What GitHub's runner reads and tells: workflow commands, job summaries, output files, variables.

mod command;
mod environment;
mod files;
mod markdown;
mod quiet;

pub(crate) use command::{Annotation, Level, Place, annotations};
pub(crate) use environment::Github;
pub(crate) use files::{append_summary, write_outputs};
pub(crate) use markdown::cell;
pub(crate) use quiet::Quiet;
