//! One running instance of a service, whatever runs it.

use super::ProviderKind;
use super::error::SystemError;
use super::log::LogTail;
use crate::fault::InstanceFault;
use crate::safety::Undone;
use async_trait::async_trait;
use std::net::SocketAddr;

/// What an instance is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InstanceState {
    Running,
    Frozen,
    /// Ended, and how.
    Ended(String),
    /// It does not accept a connection, and why. All that is known of an instance that this run did not start: it may
    /// be as it should and only refuse this one.
    Unreachable(String),
}

/// Whether a fault did what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// What was seen that proves it.
    Seen(String),
    /// What was seen instead.
    NotSeen(String),
}

/// One running instance of a service.
#[async_trait]
pub(crate) trait Instance: Send + Sync {
    /// Its name within the system: the service's, with a number where there are several (`inventory-3`).
    fn label(&self) -> &str;

    /// Where it listens just now. Only its route's address is stable.
    fn upstream(&self) -> SocketAddr;

    /// What it is and how to end it, for whoever keeps it running.
    async fn describe(&self) -> String;

    /// The last lines of its log.
    fn log_tail(&self, lines: usize) -> LogTail;

    /// Lets it run on when this value is dropped.
    async fn keep(&self);

    /// What it is doing.
    async fn observe(&self) -> Result<InstanceState, SystemError>;

    /// Makes the fault. What is needed to undo it is in the undo log first.
    async fn inject(&self, fault: InstanceFault) -> Result<(), SystemError>;

    /// Looks for proof that the fault is in effect.
    async fn effect(&self, fault: InstanceFault) -> Result<Effect, SystemError>;

    /// Undoes the fault, and waits until the instance is ready again; not where it had to be destroyed.
    async fn undo(&self, fault: InstanceFault) -> Result<Undone, SystemError>;

    /// Ends it for good.
    async fn stop(&self) -> Result<(), SystemError>;
}

/// Whether a fault can be made on instances that are provided so; why not, when it cannot.
pub(crate) fn supports(kind: &ProviderKind, fault: InstanceFault) -> Result<(), String> {
    let fault_name = fault.name();
    match (kind, fault) {
        (ProviderKind::External { address, .. }, _) => Err(format!(
            "`{fault_name}` needs an instance that this run started, and {address} was already running: only its \
             route takes faults"
        )),
        (ProviderKind::Container { image, .. }, InstanceFault::LimitMemory { .. }) => {
            Err(format!("`{fault_name}` limits the address space of a process, and {image} is a container"))
        }
        (_, InstanceFault::LimitMemory { .. }) if !cfg!(target_os = "linux") => Err(format!(
            "`{fault_name}` changes the limits of a running process, which this platform cannot do; Linux can"
        )),
        _ => Ok(()),
    }
}

/// Whether faults may go to what is provided so: to what this run starts, and to what the user allows by name.
pub(crate) fn may_be_touched(kind: &ProviderKind) -> Result<(), NotAllowed> {
    match kind {
        ProviderKind::External { address, allows_faults: false } => Err(NotAllowed(address.clone())),
        _ => Ok(()),
    }
}

/// A fault would go to what this run did not start, and nobody allowed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} was already running, and nothing is injected on the way to it unless that is allowed: write \
     `external(\"{0}\").allow_faults()` where it is meant"
)]
pub(crate) struct NotAllowed(String);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;

    #[test]
    fn what_cannot_be_done_is_known_beforehand() {
        let container = ProviderKind::Container { image: "redis:7".into(), port: 6379, command: Vec::new() };
        let process = ProviderKind::Command { line: "redis-server --port {port}".into() };
        let external = ProviderKind::External { address: "db:5432".into(), allows_faults: true };
        let memory = InstanceFault::LimitMemory { to: Bytes::new(1 << 20) };
        assert!(supports(&container, memory).unwrap_err().contains("redis:7 is a container"));
        assert_eq!(supports(&process, memory).is_ok(), cfg!(target_os = "linux"));
        assert!(
            supports(&external, InstanceFault::Kill).unwrap_err().contains("only its route takes faults")
        );
        assert_eq!(supports(&container, InstanceFault::Pause), Ok(()));
    }
}
