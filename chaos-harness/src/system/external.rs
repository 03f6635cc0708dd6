//! The external backend: something that is already running. It is asked whether it is ready, and nothing else.

use super::Ready;
use super::error::{StartError, Step, SystemError};
use super::instance::{Effect, Instance, InstanceState};
use super::log::LogTail;
use super::ready;
use crate::fault::InstanceFault;
use crate::safety::Undone;
use async_trait::async_trait;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;

/// A service that this run did not start.
#[derive(Debug)]
pub(super) struct ExternalInstance {
    label: String,
    address: SocketAddr,
}

impl ExternalInstance {
    /// Finds it and waits until it is ready.
    pub(super) async fn find(
        label: String,
        address: &str,
        ready: &Ready,
        limit: Duration,
    ) -> Result<Self, SystemError> {
        let failed = |cause: StartError| SystemError::start(&label, cause);
        let unresolved = |cause: String| StartError::Unresolved { address: address.to_owned(), cause };
        let found: Vec<_> = timeout(limit, tokio::net::lookup_host(address))
            .await
            .map_err(|_| failed(unresolved("the name server does not answer".to_owned())))?
            .map_err(|error| failed(unresolved(error.to_string())))?
            .collect();
        if found.is_empty() {
            return Err(failed(unresolved("the name has no address".to_owned())));
        }
        let mut seen = "nothing".to_owned();
        let Ok(found) = timeout(limit, ready::first_ready(ready, &found, &mut seen)).await else {
            let address = address.to_owned();
            return Err(failed(StartError::NoAnswer { address, ready: ready.clone(), limit, seen }));
        };
        Ok(Self { label, address: found })
    }

    fn refuse(&self, step: Step, fault: InstanceFault) -> SystemError {
        SystemError::fault(step, fault, &self.label, "this run did not start it, so it is not touched")
    }
}

#[async_trait]
impl Instance for ExternalInstance {
    fn label(&self) -> &str {
        &self.label
    }

    fn upstream(&self) -> SocketAddr {
        self.address
    }

    async fn describe(&self) -> String {
        format!("external service at {}; this run did not start it", self.address)
    }

    fn log_tail(&self, _lines: usize) -> LogTail {
        LogTail::default()
    }

    async fn keep(&self) {}

    async fn observe(&self) -> Result<InstanceState, SystemError> {
        Ok(match ready::connect(self.address, None).await {
            Ok(()) => InstanceState::Running,
            Err(error) => InstanceState::Unreachable(error.to_string()),
        })
    }

    async fn inject(&self, fault: InstanceFault) -> Result<(), SystemError> {
        Err(self.refuse(Step::Inject, fault))
    }

    async fn effect(&self, fault: InstanceFault) -> Result<Effect, SystemError> {
        Err(self.refuse(Step::Confirm, fault))
    }

    async fn undo(&self, fault: InstanceFault) -> Result<Undone, SystemError> {
        Err(self.refuse(Step::Undo, fault))
    }

    async fn stop(&self) -> Result<(), SystemError> {
        Ok(())
    }
}
