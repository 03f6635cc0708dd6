//! Faults on instances: what happens to a process or a container as a whole.

use super::{Fault, FaultKind};
use crate::system::ServiceName;
use crate::units::{Bytes, Percent, show_duration};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What is done to an instance. Each one is undone: a stopped instance is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub enum InstanceFault {
    /// Killed at once (SIGKILL); undone by starting it again.
    Kill,
    /// Asked to end (SIGTERM), and killed after the grace period; undone by starting it again.
    Stop {
        /// How long it may take.
        grace: Duration,
    },
    /// Frozen: it holds its connections and answers nothing; undone by letting it go on.
    Pause,
    /// Held to a share of one CPU: by quota in a container, by being frozen in turns (a SIGSTOP/SIGCONT duty cycle)
    /// as a process.
    StarveCpu {
        /// The share that is left.
        to: Percent,
    },
    /// Held to this much address space (`RLIMIT_AS`): allocations beyond it fail. Processes only.
    LimitMemory {
        /// The limit.
        to: Bytes,
    },
}

impl InstanceFault {
    /// Its name, as an attribute says it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop { .. } => "stop",
            Self::Pause => "pause",
            Self::StarveCpu { .. } => "starve_cpu",
            Self::LimitMemory { .. } => "limit_memory",
        }
    }

    pub(super) fn describe(&self, service: &ServiceName, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill => write!(f, "kill {service}"),
            Self::Stop { grace } => write!(f, "stop {service} within {}", show_duration(*grace)),
            Self::Pause => write!(f, "pause {service}"),
            Self::StarveCpu { to } => write!(f, "starve {service} to {to} of a CPU"),
            Self::LimitMemory { to } => write!(f, "limit memory of {service} to {to}"),
        }
    }
}

/// Kills instances of `service` (SIGKILL). They are started again afterwards.
pub fn kill(service: impl Into<ServiceName>) -> Kill {
    Kill { service: service.into() }
}

/// A sudden death. See [`kill`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Kill {
    service: ServiceName,
}

impl From<Kill> for Fault {
    fn from(Kill { service }: Kill) -> Self {
        instance(service, InstanceFault::Kill)
    }
}

/// Asks instances of `service` to end (SIGTERM). They are started again afterwards.
pub fn stop(service: impl Into<ServiceName>) -> Stop {
    Stop { service: service.into(), grace: Duration::from_secs(5) }
}

/// An orderly end. See [`stop`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Stop {
    service: ServiceName,
    grace: Duration,
}

impl Stop {
    /// How long an instance may take before it is killed; 5 s unless said otherwise.
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }
}

impl From<Stop> for Fault {
    fn from(Stop { service, grace }: Stop) -> Self {
        instance(service, InstanceFault::Stop { grace })
    }
}

/// Freezes instances of `service`: they hold their connections and answer nothing.
pub fn pause(service: impl Into<ServiceName>) -> Pause {
    Pause { service: service.into() }
}

/// A freeze. See [`pause`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Pause {
    service: ServiceName,
}

impl From<Pause> for Fault {
    fn from(Pause { service }: Pause) -> Self {
        instance(service, InstanceFault::Pause)
    }
}

/// Holds instances of `service` to a share of one CPU, 10 % unless [`to`](StarveCpu::to) says otherwise.
///
/// A container gets a CPU quota. A process is frozen in turns (a SIGSTOP/SIGCONT duty cycle of 100 ms), which is
/// coarser: it stands still for the rest of each cycle.
pub fn starve_cpu(service: impl Into<ServiceName>) -> StarveCpu {
    StarveCpu { service: service.into(), to: Percent::new(10) }
}

/// Too little CPU. See [`starve_cpu`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct StarveCpu {
    service: ServiceName,
    to: Percent,
}

impl StarveCpu {
    /// The share of one CPU that is left.
    pub fn to(self, to: Percent) -> Self {
        Self { to, ..self }
    }
}

impl From<StarveCpu> for Fault {
    fn from(StarveCpu { service, to }: StarveCpu) -> Self {
        instance(service, InstanceFault::StarveCpu { to })
    }
}

/// Holds instances of `service` to `limit` of address space: allocations beyond it fail. Processes on Linux only.
pub fn limit_memory(service: impl Into<ServiceName>, limit: Bytes) -> LimitMemory {
    LimitMemory { service: service.into(), limit }
}

/// Too little memory. See [`limit_memory`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct LimitMemory {
    service: ServiceName,
    limit: Bytes,
}

impl From<LimitMemory> for Fault {
    fn from(LimitMemory { service, limit }: LimitMemory) -> Self {
        instance(service, InstanceFault::LimitMemory { to: limit })
    }
}

fn instance(service: ServiceName, fault: InstanceFault) -> Fault {
    Fault { service, kind: FaultKind::Instance(fault) }
}
