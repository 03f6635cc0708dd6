//! The log of a container, streamed into a file for as long as it runs.

use super::engine::{ANSWERS_WITHIN, Engine};
use super::{LOG_ARRIVES_WITHIN, Launch};
use crate::clock;
use crate::safety::containers::{EngineError, within};
use crate::system::log::{LogTail, SHOWN_LINES};
use futures::FutureExt as _;
use futures::stream::{Stream, StreamExt as _};
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::errors::Error as BollardError;
use testcontainers::bollard::query_parameters::{AttachContainerOptionsBuilder, LogsOptionsBuilder};
use tokio::task::JoinHandle;

/// Writes all that the container has logged and will log into `output`, until it ends.
pub(super) fn follow(engine: &Engine, id: &str, output: File) -> JoinHandle<()> {
    let options = LogsOptionsBuilder::default().follow(true).stdout(true).stderr(true).build();
    let stream = engine.client.logs(id, Some(options)).boxed();
    tokio::spawn(write(stream, output).boxed())
}

/// Writes what the container logs from its next start on.
pub(super) async fn follow_next_start(engine: &Engine, id: &str, output: File) -> Result<(), EngineError> {
    let options = AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
    let attached = engine.client.attach_container(id, Some(options));
    let attached = within(ANSWERS_WITHIN, "listen to the container", attached).await?;
    let heard = async move {
        // Its input stays open for as long as it is listened to: the engine detaches otherwise.
        let _input = attached.input;
        write(attached.output, output).await;
    };
    tokio::spawn(heard.boxed());
    Ok(())
}

async fn write(mut stream: impl Stream<Item = Result<LogOutput, BollardError>> + Unpin, mut output: File) {
    while let Some(Ok(chunk)) = stream.next().await {
        // A log that cannot be written any more is no reason to fail the trial.
        if output.write_all(chunk.as_ref()).is_err() {
            break;
        }
    }
}

impl Launch {
    /// The end of the log of a container that has just ended: the engine sends it a little later.
    pub(super) async fn last_words(&self) -> LogTail {
        let deadline = clock::now() + LOG_ARRIVES_WITHIN;
        let mut tail = self.log.tail(SHOWN_LINES);
        loop {
            clock::sleep(Duration::from_millis(20)).await;
            let next = self.log.tail(SHOWN_LINES);
            // Something has come, and no more for a while.
            if next == tail && next != LogTail::default() || clock::now() > deadline {
                return next;
            }
            tail = next;
        }
    }
}
