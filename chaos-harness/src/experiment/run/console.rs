//! Where a trial tells what happens: its own log, and standard error where it is told live.

use crate::redact::{RedactingWriter, Redactor};
use crate::safety::private;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tracing::dispatcher::DefaultGuard;
use tracing::{Dispatch, Level, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, Targets};
use tracing_subscriber::fmt::format::{DefaultFields, Format, Full};
use tracing_subscriber::fmt::time::Uptime;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// What is told where nothing else is asked for.
const USUAL: (&str, Level) = ("chaos_harness", Level::INFO);

/// The listener of one trial. Trials may run side by side in one process: each has its own, on its own threads.
pub(super) struct Console {
    dispatch: Dispatch,
}

impl Console {
    /// Tells what happens to a new file, and to standard error too where `live` says so. `filter` is `CHAOS_LOG`, in the
    /// form of tracing's `RUST_LOG`: standard error has what it lets through, and the file never less than usual. Neither
    /// shows what `redactor` hides.
    #[expect(clippy::disallowed_methods, reason = "its writer takes secrets out")]
    pub(super) fn open(
        path: &Path,
        live: bool,
        filter: Option<&str>,
        redactor: &Redactor,
    ) -> io::Result<Self> {
        let usual = || Targets::new().with_target(USUAL.0, USUAL.1);
        // What is no filter was refused when the settings were read.
        let asked = || filter.and_then(|filter| filter.parse().ok()).unwrap_or_else(usual);
        let file = layer(RedactingWriter::new(Arc::new(private::create_new(path)?), redactor.clone()));
        let told =
            live.then(|| layer(RedactingWriter::new(io::stderr, redactor.clone())).with_filter(asked()));
        let subscriber = Registry::default().with(file.with_filter(usual().or(asked()))).with(told);
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

fn layer<S, W>(writer: W) -> fmt::Layer<S, DefaultFields, Format<Full, Uptime>, W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fmt::layer().with_ansi(false).with_target(false).with_timer(fmt::time::uptime()).with_writer(writer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn logged(filter: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("harness.log");
        let console = Console::open(&path, false, filter, &Redactor::default()).unwrap();
        let telling = console.tell();
        tracing::info!("the usual");
        tracing::debug!("the details");
        drop(telling);
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn the_file_has_the_usual_whatever_is_filtered_and_more_where_that_is_asked_for() {
        for (filter, details) in [(None, false), (Some("error"), false), (Some("chaos_harness=debug"), true)]
        {
            let log = logged(filter);
            assert!(log.contains("the usual"), "{filter:?}: {log}");
            assert_eq!(log.contains("the details"), details, "{filter:?}: {log}");
        }
    }
}
