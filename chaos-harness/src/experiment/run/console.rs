//! Where a trial tells what happens: its own log, and standard error where it is told live.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use tracing::Dispatch;
use tracing::dispatcher::DefaultGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The listener of one trial. Trials may run side by side in one process: each has its own, on its own threads.
pub(super) struct Console {
    dispatch: Dispatch,
}

impl Console {
    /// Tells what happens to a new file, and to standard error too where `live` says so. `CHAOS_LOG` filters it, in
    /// the form of tracing's `RUST_LOG`.
    pub(super) fn open(path: &Path, live: bool) -> io::Result<Self> {
        let writer = Tee { file: Arc::new(File::create_new(path)?), live };
        let filter =
            EnvFilter::try_from_env("CHAOS_LOG").unwrap_or_else(|_| EnvFilter::new("chaos_harness=info"));
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(writer)
            .with_ansi(false)
            .with_target(false)
            .with_timer(tracing_subscriber::fmt::time::uptime())
            .finish();
        Ok(Self { dispatch: Dispatch::new(subscriber) })
    }

    /// Listens on this thread until the guard is dropped.
    pub(super) fn tell(&self) -> DefaultGuard {
        tracing::dispatcher::set_default(&self.dispatch)
    }

    /// A runtime for the trial, on whose threads the console listens.
    pub(super) fn runtime(&self) -> io::Result<tokio::runtime::Runtime> {
        let dispatch = self.dispatch.clone();
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("chaos-trial")
            // The thread ends with the trial, and with it the listening: there is no moment to drop the guard.
            .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)))
            .build()
    }
}

#[derive(Clone)]
struct Tee {
    file: Arc<File>,
    live: bool,
}

impl Write for Tee {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        (&*self.file).write_all(text)?;
        if self.live {
            io::stderr().write_all(text)?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Tee {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
