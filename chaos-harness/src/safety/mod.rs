//! What keeps an experiment from doing harm. Knows nothing of experiments.

mod before_main;
#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub mod bench;
pub(crate) mod breaker;
#[cfg(feature = "docker")]
pub(crate) mod containers;
mod failpoint;
mod fallback;
mod guard;
mod in_use;
mod lease;
mod leftovers;
mod mark;
mod perform;
pub(crate) mod private;
mod process;
mod processes;
mod safeguard;
mod signals;
mod tree;
mod undo;
#[cfg(test)]
pub(crate) mod victim;
mod watch;

pub use breaker::Tripped;
#[cfg(feature = "docker")]
pub(crate) use containers::{RUN_LABEL, TRIAL_LABEL};
pub use fallback::{Attempt, Forced};
pub(crate) use fallback::{Rung, Undone, climb};
pub use in_use::{InUse, ToUndo, in_use};
#[cfg(fuzzing)]
pub use lease::fuzz_lease;
pub(crate) use lease::{Lease, Leases, Limits, Request, Shortage, Touched};
pub(crate) use leftovers::recover_but;
pub use leftovers::{Leftover, recover};
pub(crate) use mark::Mark;
#[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
pub(crate) use perform::perform;
pub(crate) use perform::{kill_strays, kill_with_all, put_all_right};
pub(crate) use process::{Process, ProcessId, all as all_processes, process_start_time};
pub(crate) use safeguard::undo_log;
pub(crate) use signals::{Interrupt, Signal};
pub(crate) use tree::{kill_now, strays_of};
#[cfg(fuzzing)]
pub use undo::fuzz_undo_log;
pub(crate) use undo::{UndoAction, UndoId, UndoLog};
