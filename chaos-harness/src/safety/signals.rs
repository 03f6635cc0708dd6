//! Signals that end a run: the first lets trials undo, the second leaves that to the guard.

use crate::terminal::tell_at_once;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// A signal that ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
    Hangup,
}

impl Signal {
    fn kind(self) -> SignalKind {
        match self {
            Self::Interrupt => SignalKind::interrupt(),
            Self::Terminate => SignalKind::terminate(),
            Self::Hangup => SignalKind::hangup(),
        }
    }

    /// The exit code of a process that this signal ended.
    pub(crate) fn exit_code(self) -> i32 {
        128 + self.kind().as_raw_value()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Hangup => "SIGHUP",
        })
    }
}

/// Whether the process was asked to end. Clones look at the same.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<Option<Signal>>);

static INSTALLED: Mutex<Option<Interrupt>> = Mutex::new(None);

impl Interrupt {
    /// Watches for signals on a thread of its own, from the first call on.
    pub(crate) fn install() -> io::Result<Self> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(interrupt) = &*installed {
            return Ok(interrupt.clone());
        }
        let interrupt = Self::start()?;
        *installed = Some(interrupt.clone());
        Ok(interrupt)
    }

    fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupts, mut terminations, mut hangups) = {
            let _inside = runtime.enter();
            let stream = |of: Signal| signal(of.kind());
            (stream(Signal::Interrupt)?, stream(Signal::Terminate)?, stream(Signal::Hangup)?)
        };
        let (sender, receiver) = watch::channel(None);
        let watch = async move {
            loop {
                let signal = tokio::select! {
                    Some(()) = interrupts.recv() => Signal::Interrupt,
                    Some(()) = terminations.recv() => Signal::Terminate,
                    Some(()) = hangups.recv() => Signal::Hangup,
                    else => return,
                };
                if sender.send_replace(Some(signal)).is_some() {
                    std::process::exit(signal.exit_code());
                }
                tell_at_once(format_args!(
                    "chaos: {signal}: undoing, press Ctrl-C again to leave it to the guard"
                ));
            }
        };
        thread::Builder::new().name("chaos-signals".to_owned()).spawn(move || runtime.block_on(watch))?;
        Ok(Self(receiver))
    }

    /// The signal that came, if one did.
    pub(crate) fn is_set(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits for a signal.
    pub(crate) async fn cancelled(&self) -> Signal {
        let mut receiver = self.0.clone();
        if let Ok(signal) = receiver.wait_for(Option::is_some).await
            && let Some(signal) = *signal
        {
            return signal;
        }
        // The watching thread is gone: no signal will come.
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::victim;
    use rustix::process::{Pid, Signal as RawSignal, kill_process};
    use std::io::Read as _;

    const VICTIM: &str = "safety::signals::tests::a_process_to_be_signalled";

    #[tokio::test]
    #[ignore = "started by other tests as a process of its own"]
    async fn a_process_to_be_signalled() {
        let Some(folder) = victim::folder() else { return };
        let interrupt = Interrupt::install().unwrap();
        assert_eq!(interrupt.is_set(), None);
        std::fs::write(folder.join("ready"), "").unwrap();
        let signal = interrupt.cancelled().await;
        assert_eq!(Interrupt::install().unwrap().is_set(), Some(signal), "there is one for the process");
        std::fs::write(folder.join(signal.to_string()), "").unwrap();
        std::future::pending::<()>().await;
    }

    #[test]
    fn the_first_signal_is_handed_to_trials_and_the_second_ends_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let is_there = |name: &str| folder.path().join(name).exists();
        let mut process = victim::spawn(VICTIM, folder.path());
        victim::wait_until("the victim is ready", || is_there("ready"));
        let pid = Pid::from_child(&process);
        kill_process(pid, RawSignal::TERM).unwrap();
        victim::wait_until("the trial hears of it", || is_there("SIGTERM"));
        assert_eq!(process.try_wait().unwrap(), None);

        kill_process(pid, RawSignal::INT).unwrap();
        assert_eq!(process.wait().unwrap().code(), Some(130));
        let mut said = String::new();
        process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "chaos: SIGTERM: undoing, press Ctrl-C again to leave it to the guard\n");
    }
}
