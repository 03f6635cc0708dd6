//! Faults on the byte stream: toxics on the routes to a service.

use super::{Fault, FaultKind};
use crate::proxy::{Stream, Toxic};
use crate::system::ServiceName;
use crate::units::ByteRate;
use std::time::Duration;

/// Answers of `service` arrive `delay` later. Data in flight keeps flowing: a slow link still carries full bandwidth.
///
/// As on a slow network, connections open and close as much later too: who opens one for each operation waits twice.
pub fn latency(service: impl Into<ServiceName>, delay: Duration) -> Latency {
    Latency {
        service: service.into(),
        delay,
        jitter: Duration::ZERO,
        stream: Stream::Downstream,
        slice: None,
    }
}

/// A delay. See [`latency`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Latency {
    service: ServiceName,
    delay: Duration,
    jitter: Duration,
    stream: Stream,
    slice: Option<Duration>,
}

impl Latency {
    /// Varies the delay by at most this much either way, evenly drawn from the seed. Order is kept.
    pub fn jitter(self, jitter: Duration) -> Self {
        Self { jitter, ..self }
    }

    /// Which way the delayed bytes go; the service's answers unless said otherwise.
    pub fn stream(self, stream: Stream) -> Self {
        Self { stream, ..self }
    }

    /// Acts on stretches of this length of each connection's time: a stage of 5% then touches 5 % of the time of every
    /// connection, also where there is only one that lives long, and not 5 % of the connections.
    pub fn slices(self, length: Duration) -> Self {
        Self { slice: Some(length), ..self }
    }
}

impl From<Latency> for Fault {
    fn from(Latency { service, delay, jitter, stream, slice }: Latency) -> Self {
        sliced(service, Toxic::Latency { delay, jitter }, stream, slice)
    }
}

/// Each connection to `service` carries no more than `rate`.
pub fn bandwidth(service: impl Into<ServiceName>, rate: ByteRate) -> Bandwidth {
    Bandwidth { service: service.into(), rate, stream: Stream::Downstream, slice: None }
}

/// A limit on bandwidth. See [`bandwidth`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Bandwidth {
    service: ServiceName,
    rate: ByteRate,
    stream: Stream,
    slice: Option<Duration>,
}

impl Bandwidth {
    /// Which way the limited bytes go; the service's answers unless said otherwise.
    pub fn stream(self, stream: Stream) -> Self {
        Self { stream, ..self }
    }

    /// Acts on stretches of this length of each connection's time, as [`Latency::slices`] does.
    pub fn slices(self, length: Duration) -> Self {
        Self { slice: Some(length), ..self }
    }
}

impl From<Bandwidth> for Fault {
    fn from(Bandwidth { service, rate, stream, slice }: Bandwidth) -> Self {
        sliced(service, Toxic::Bandwidth { rate }, stream, slice)
    }
}

/// Nothing of `service` gets through: connections stay open and silent.
pub fn timeout(service: impl Into<ServiceName>) -> Timeout {
    Timeout { service: service.into(), after: Duration::ZERO, stream: Stream::Downstream }
}

/// A black hole. See [`timeout`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Timeout {
    service: ServiceName,
    after: Duration,
    stream: Stream,
}

impl Timeout {
    /// Closes each connection after this long; held open unless said otherwise.
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    /// Which way the withheld bytes go; the service's answers unless said otherwise.
    pub fn stream(self, stream: Stream) -> Self {
        Self { stream, ..self }
    }
}

impl From<Timeout> for Fault {
    fn from(Timeout { service, after, stream }: Timeout) -> Self {
        toxic(service, Toxic::Timeout { after }, stream)
    }
}

/// Connections to `service` are reset: the peer sees a real RST.
pub fn reset_peer(service: impl Into<ServiceName>) -> ResetPeer {
    ResetPeer { service: service.into(), after: Duration::ZERO }
}

/// Connection resets. See [`reset_peer`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct ResetPeer {
    service: ServiceName,
    after: Duration,
}

impl ResetPeer {
    /// Lets each connection live this long before it is reset; reset at once unless said otherwise.
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

impl From<ResetPeer> for Fault {
    fn from(ResetPeer { service, after }: ResetPeer) -> Self {
        toxic(service, Toxic::ResetPeer { after }, Stream::Downstream)
    }
}

/// `service` cannot be reached: its connections are closed and new ones refused.
pub fn down(service: impl Into<ServiceName>) -> Down {
    Down { service: service.into() }
}

/// An outage. See [`down`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Down {
    service: ServiceName,
}

impl From<Down> for Fault {
    fn from(Down { service }: Down) -> Self {
        toxic(service, Toxic::Down, Stream::Downstream)
    }
}

pub(super) fn toxic(service: ServiceName, toxic: Toxic, stream: Stream) -> Fault {
    sliced(service, toxic, stream, None)
}

pub(super) fn sliced(service: ServiceName, toxic: Toxic, stream: Stream, slice: Option<Duration>) -> Fault {
    Fault { service, kind: FaultKind::Toxic { toxic, stream, slice } }
}
