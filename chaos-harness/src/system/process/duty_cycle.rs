//! CPU starvation of a process: frozen and let go in turns.

use super::group::ProcessGroup;
use crate::units::Percent;
use rustix::process::Signal;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// One turn of freezing and letting go.
const CYCLE: Duration = Duration::from_millis(100);

/// A running duty cycle. Dropping it lets the group go on.
#[derive(Debug)]
pub(super) struct DutyCycle {
    cycles: Arc<AtomicU64>,
    /// Dropping it ends the thread.
    running: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl DutyCycle {
    /// Lets the group run for `share` of each cycle.
    pub(super) fn start(group: ProcessGroup, share: Percent) -> io::Result<Self> {
        let cycles = Arc::new(AtomicU64::new(0));
        let (running, ended) = mpsc::channel();
        let count = Arc::clone(&cycles);
        let thread = thread::Builder::new().name("chaos-starve".to_owned()).spawn(move || {
            let runs = CYCLE.mul_f64(share.fraction());
            let stands = CYCLE.saturating_sub(runs);
            let waits = |span| ended.recv_timeout(span) == Err(RecvTimeoutError::Timeout);
            while group.signal(Signal::STOP) {
                count.fetch_add(1, Ordering::Relaxed);
                let goes_on = waits(stands);
                group.signal(Signal::CONT);
                if !goes_on || !waits(runs) {
                    break;
                }
            }
        })?;
        Ok(Self { cycles, running: Some(running), thread: Some(thread) })
    }

    /// How often the group has been frozen so far.
    pub(super) fn cycles(&self) -> u64 {
        self.cycles.load(Ordering::Relaxed)
    }
}

impl Drop for DutyCycle {
    fn drop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            // It wakes at once, and has let the group go on when it ends.
            let _ = thread.join();
        }
    }
}
