//! The signals that end a server.

use super::ServeError;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM, from the moment this is made.
pub(super) struct Signals {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, ServeError> {
        let runtime = Builder::new_current_thread().enable_io().build().map_err(ServeError::Signals)?;
        let (interrupt, terminate) = {
            let _entered = runtime.enter();
            let listen = |kind| signal(kind).map_err(ServeError::Signals);
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?)
        };
        Ok(Self { runtime, interrupt, terminate })
    }

    /// Waits for one, and names it.
    pub(super) fn wait(mut self) -> &'static str {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.terminate.recv() => "SIGTERM",
            }
        })
    }
}
