//! Faults on whole connections: outages that come and go, and what befalls only new ones.

use super::Fault;
use super::network::toxic;
use crate::proxy::{Stream, Toxic};
use crate::system::ServiceName;
use std::time::Duration;

/// `service` falls silent for `on`, answers for `off`, and again, on all its connections at the same time.
pub fn burst(service: impl Into<ServiceName>, on: Duration, off: Duration) -> Burst {
    Burst { service: service.into(), on, off }
}

/// Outages that come and go. See [`burst`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Burst {
    service: ServiceName,
    on: Duration,
    off: Duration,
}

impl From<Burst> for Fault {
    fn from(Burst { service, on, off }: Burst) -> Self {
        toxic(service, Toxic::Burst { on, off }, Stream::Downstream)
    }
}

/// `service` takes no more than this many connections at a time: its pool is exhausted. Others are reset.
pub fn limit_connections(service: impl Into<ServiceName>, connections: u32) -> LimitConnections {
    LimitConnections { service: service.into(), connections, wait: Duration::ZERO }
}

/// An exhausted pool. See [`limit_connections`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct LimitConnections {
    service: ServiceName,
    connections: u32,
    wait: Duration,
}

impl LimitConnections {
    /// Lets the others wait this long for a place before they are reset; reset at once unless said otherwise.
    pub fn wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }
}

impl From<LimitConnections> for Fault {
    fn from(LimitConnections { service, connections, wait }: LimitConnections) -> Self {
        toxic(service, Toxic::LimitConnections { connections, wait }, Stream::Downstream)
    }
}

/// New connections to `service` are refused; those that are open go on.
pub fn refuse_connections(service: impl Into<ServiceName>) -> RefuseConnections {
    RefuseConnections { service: service.into() }
}

/// Refusals of new connections. See [`refuse_connections`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct RefuseConnections {
    service: ServiceName,
}

impl From<RefuseConnections> for Fault {
    fn from(RefuseConnections { service }: RefuseConnections) -> Self {
        toxic(service, Toxic::RefuseConnections, Stream::Downstream)
    }
}

/// New connections to `service` take `delay` longer to open; those that are open do not feel it.
pub fn delay_connections(service: impl Into<ServiceName>, delay: Duration) -> DelayConnections {
    DelayConnections { service: service.into(), delay, jitter: Duration::ZERO }
}

/// Slow connecting. See [`delay_connections`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct DelayConnections {
    service: ServiceName,
    delay: Duration,
    jitter: Duration,
}

impl DelayConnections {
    /// Varies the delay by at most this much either way, evenly drawn from the seed for each connection.
    pub fn jitter(self, jitter: Duration) -> Self {
        Self { jitter, ..self }
    }
}

impl From<DelayConnections> for Fault {
    fn from(DelayConnections { service, delay, jitter }: DelayConnections) -> Self {
        toxic(service, Toxic::DelayConnections { delay, jitter }, Stream::Downstream)
    }
}
