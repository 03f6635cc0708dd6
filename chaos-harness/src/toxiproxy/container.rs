//! A server in a container of its own, for one trial.

use super::call::version;
use crate::clock;
use crate::engine_address::EngineAddress;
use crate::safety::{RUN_LABEL, TRIAL_LABEL, UndoAction, UndoId, UndoLog, perform};
use crate::system::{ReservedPort, name_and_tag};
use std::net::SocketAddr;
use std::time::Duration;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};
use tokio::time::timeout;

/// How long the image may take to be pulled.
const PULLED_WITHIN: Duration = Duration::from_secs(60);

/// How long a started server may take to answer.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// Between two looks at whether it is there.
const POLL: Duration = Duration::from_millis(20);

/// A server in a container.
#[derive(Debug)]
pub(crate) struct ServerContainer {
    port: ReservedPort,
    removal: UndoAction,
    record: UndoId,
    undo: UndoLog,
}

/// No server in a container.
#[derive(Debug, thiserror::Error)]
#[error(
    "a Toxiproxy in a container ({image}) could not be had: {cause}; set CHAOS_TOXIPROXY_IMAGE to an image that is there, \
     or start toxiproxy-server and set CHAOS_TOXIPROXY to its address"
)]
pub(crate) struct ContainerError {
    image: String,
    cause: crate::BoxError,
}

impl ServerContainer {
    /// Starts it, on this machine's own network: it reaches services at 127.0.0.1, and is reached there. How to remove it
    /// is in the undo log first.
    pub(crate) async fn start(
        image: &str,
        run: &str,
        tag: &str,
        undo: &UndoLog,
    ) -> Result<Self, ContainerError> {
        let failed = |cause: crate::BoxError| ContainerError { image: image.to_owned(), cause };
        Self::try_start(image, run, tag, undo).await.map_err(failed)
    }

    async fn try_start(image: &str, run: &str, tag: &str, undo: &UndoLog) -> Result<Self, crate::BoxError> {
        let engine = EngineAddress::from_env();
        if !(cfg!(target_os = "linux") && matches!(engine, EngineAddress::Unix(_))) {
            return Err(format!("containers of {engine} cannot be on the network of this machine").into());
        }
        // The original misses its own port now and then where outgoing connections take theirs from.
        let port = ReservedPort::reserve(None)?;
        // Not the trial's own label: that is removed with the services, while proxies are still to be deleted.
        let trial = format!("{tag}/toxiproxy");
        let removal = UndoAction::RemoveContainers { engine, trial: trial.clone() };
        let record = undo.record(removal.clone())?;
        let this = Self { port, removal, record, undo: undo.clone() };
        let (name, image_tag) = name_and_tag(image);
        let request = GenericImage::new(name, image_tag)
            .with_network("host")
            .with_startup_timeout(PULLED_WITHIN)
            .with_labels([(RUN_LABEL, run), (TRIAL_LABEL, &trial)])
            .with_cmd(["-host=127.0.0.1".to_owned(), format!("-port={}", this.port.number())]);
        let container = timeout(PULLED_WITHIN, request.start()).await??;
        // From here on it is the undo log's: its own removal would need a runtime wherever it is dropped.
        std::mem::forget(container);
        this.undo.applied(record)?;
        let mut seen = None;
        let ready = timeout(READY_WITHIN, async {
            while let Err(error) = version(this.address()).await {
                seen = Some(error);
                clock::sleep(POLL).await;
            }
        });
        if ready.await.is_err() {
            let seen = seen.map(|error| error.to_string()).unwrap_or_default();
            return Err(format!("it was not ready within {} s: {seen}", READY_WITHIN.as_secs()).into());
        }
        Ok(this)
    }

    /// Where its API is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Removes it.
    pub(crate) async fn remove(&self) -> Result<(), crate::BoxError> {
        // Removed is removed: there is no milder way.
        let _ = perform(&self.removal).await?;
        Ok(self.undo.done(self.record)?)
    }
}
