//! What can go wrong with services: each error names the instance, the cause and, where there is one, the remedy.

use super::Ready;
use super::log::LogTail;
use crate::BoxError;
use crate::fault::InstanceFault;
use crate::units::show_duration;
use std::io;
use std::time::Duration;

/// Something went wrong with a system's services.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SystemError {
    #[error("could not start `{instance}`: {cause}")]
    Start { instance: String, cause: Box<StartError> },
    #[error("could not {step} `{fault}` on `{instance}`: {cause}")]
    Fault { step: Step, fault: String, instance: String, cause: BoxError },
    #[cfg(feature = "docker")]
    #[error("could not look at `{instance}`: {cause}")]
    Observe { instance: String, cause: BoxError },
    #[error("could not stop `{instance}`: {cause}")]
    Stop { instance: String, cause: BoxError },
}

impl SystemError {
    pub(crate) fn start(instance: &str, cause: impl Into<StartError>) -> Self {
        Self::Start { instance: instance.to_owned(), cause: Box::new(cause.into()) }
    }

    pub(crate) fn stop(instance: &str, cause: impl Into<BoxError>) -> Self {
        Self::Stop { instance: instance.to_owned(), cause: cause.into() }
    }

    pub(crate) fn fault(
        step: Step,
        fault: InstanceFault,
        instance: &str,
        cause: impl Into<BoxError>,
    ) -> Self {
        Self::Fault {
            step,
            fault: fault.name().to_owned(),
            instance: instance.to_owned(),
            cause: cause.into(),
        }
    }
}

/// What was being done with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Inject,
    Confirm,
    Undo,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Inject => "inject",
            Self::Confirm => "confirm",
            Self::Undo => "undo",
        })
    }
}

/// Why an instance did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{0}")]
    NotFound(#[from] super::program::NotFound),
    #[error("it ended before it was ready: {status}{log}")]
    Ended { status: String, log: LogTail },
    #[error(
        "it was not ready within {}: it has {ready}; last seen: {seen}{log}",
        show_duration(*.limit)
    )]
    NeverReady { ready: Ready, limit: Duration, seen: String, log: LogTail },
    #[error("port {port}, or another that it listens on, is taken by another process{log}")]
    PortTaken { port: u16, log: LogTail },
    #[error("no free port between {first} and {last}")]
    NoPort { first: u16, last: u16 },
    #[error("ports cannot be reserved in {folder}: {cause}", folder = folder.display())]
    PortLock { folder: std::path::PathBuf, cause: io::Error },
    #[error("its address {address} leads nowhere: {cause}")]
    Unresolved { address: String, cause: String },
    #[error("{address} was not ready within {}: it has {ready}; last seen: {seen}", show_duration(*.limit))]
    NoAnswer { address: String, ready: Ready, limit: Duration, seen: String },
    #[cfg(feature = "docker")]
    #[error("image {image} cannot be used: {cause}; {remedy}")]
    Image { image: String, cause: String, remedy: String },
    #[cfg(feature = "docker")]
    #[error("the Docker engine: {0}")]
    Engine(String),
    #[cfg(feature = "docker")]
    #[error(transparent)]
    Host(#[from] super::docker::HostError),
    #[cfg(not(feature = "docker"))]
    #[error("this build of chaos-harness has no container backend: enable its feature `docker`")]
    NoContainers,
    #[error("its route: {0}")]
    Route(#[source] io::Error),
    #[error("the undo log cannot be written: {0}")]
    UndoLog(#[source] io::Error),
    #[error("its processes cannot be given a mark: {0}")]
    Mark(#[source] io::Error),
    #[error("its log file cannot be written: {0}")]
    Log(#[source] io::Error),
    #[error("{program} cannot be run: {cause}")]
    Spawn { program: String, cause: io::Error },
    #[error("what it comes after was never started")]
    NeverDue,
    #[error("another instance could not be started")]
    CutOff,
}
