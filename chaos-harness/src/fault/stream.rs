//! Faults on the byte stream that go beyond slow and silent: pieces, limits, stalls, and late ends.

use super::Fault;
use super::network::{sliced, toxic};
use crate::proxy::{Stream, Toxic};
use crate::system::ServiceName;
use crate::units::Bytes;
use std::time::Duration;

/// Connections to `service` are closed `delay` later than they would be.
pub fn slow_close(service: impl Into<ServiceName>, delay: Duration) -> SlowClose {
    SlowClose { service: service.into(), delay, stream: Stream::Downstream }
}

/// A late end. See [`slow_close`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct SlowClose {
    service: ServiceName,
    delay: Duration,
    stream: Stream,
}

impl SlowClose {
    /// Whose end is late; the service's unless said otherwise.
    pub fn stream(self, stream: Stream) -> Self {
        Self { stream, ..self }
    }
}

impl From<SlowClose> for Fault {
    fn from(SlowClose { service, delay, stream }: SlowClose) -> Self {
        toxic(service, Toxic::SlowClose { delay }, stream)
    }
}

/// Answers of `service` arrive in pieces of `average`, each written by itself.
///
/// Code that takes one read for one message fails under it.
pub fn slicer(service: impl Into<ServiceName>, average: Bytes) -> Slicer {
    let (variation, delay) = (Bytes::new(0), Duration::ZERO);
    Slicer { service: service.into(), average, variation, delay, stream: Stream::Downstream, slice: None }
}

/// Small pieces. See [`slicer`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Slicer {
    service: ServiceName,
    average: Bytes,
    variation: Bytes,
    delay: Duration,
    stream: Stream,
    slice: Option<Duration>,
}

impl Slicer {
    /// Varies the length of each piece by at most this much either way, evenly drawn from the seed.
    pub fn variation(self, variation: Bytes) -> Self {
        Self { variation, ..self }
    }

    /// Pauses after each piece.
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Which way the sliced bytes go; the service's answers unless said otherwise.
    pub fn stream(self, stream: Stream) -> Self {
        Self { stream, ..self }
    }

    /// Acts on stretches of this length of each connection's time, as [`Latency::slices`](super::Latency::slices) does.
    pub fn slices(self, length: Duration) -> Self {
        Self { slice: Some(length), ..self }
    }
}

impl From<Slicer> for Fault {
    fn from(Slicer { service, average, variation, delay, stream, slice }: Slicer) -> Self {
        sliced(service, Toxic::Slicer { average, variation, delay }, stream, slice)
    }
}

/// Each connection to `service` is closed once it has carried `bytes`.
pub fn limit_data(service: impl Into<ServiceName>, bytes: Bytes) -> LimitData {
    LimitData { service: service.into(), bytes, stream: Stream::Downstream }
}

/// A limit on what a connection carries. See [`limit_data`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct LimitData {
    service: ServiceName,
    bytes: Bytes,
    stream: Stream,
}

impl LimitData {
    /// Which way the counted bytes go; the service's answers unless said otherwise.
    pub fn stream(self, stream: Stream) -> Self {
        Self { stream, ..self }
    }
}

impl From<LimitData> for Fault {
    fn from(LimitData { service, bytes, stream }: LimitData) -> Self {
        toxic(service, Toxic::LimitData { bytes }, stream)
    }
}

/// Each connection to `service` carries `after` and then falls silent: the rest is held back, and lost to nobody.
pub fn stall(service: impl Into<ServiceName>, after: Bytes) -> Stall {
    Stall { service: service.into(), after, hold: Duration::ZERO, stream: Stream::Downstream }
}

/// A silence in the middle of an answer. See [`stall`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Stall {
    service: ServiceName,
    after: Bytes,
    hold: Duration,
    stream: Stream,
}

impl Stall {
    /// Lets the rest go on after this long; held until the fault is undone unless said otherwise.
    pub fn hold(self, hold: Duration) -> Self {
        Self { hold, ..self }
    }

    /// Which way the held bytes go; the service's answers unless said otherwise.
    pub fn stream(self, stream: Stream) -> Self {
        Self { stream, ..self }
    }
}

impl From<Stall> for Fault {
    fn from(Stall { service, after, hold, stream }: Stall) -> Self {
        toxic(service, Toxic::Stall { after, hold }, stream)
    }
}
