//! The proof of effect: what passed, and what a toxic did to it. Readable at any time.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What has passed through a route so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteCounters {
    /// Connections accepted.
    pub opened: u64,
    /// Connections open now.
    pub open: u64,
    /// Requests, as far as they can be told apart without knowing the protocol: each connection that was opened, and
    /// each time that bytes came from a client after bytes from the service.
    pub requests: u64,
    /// Bytes that came from clients.
    pub upstream_received: u64,
    /// Bytes that came from the service.
    pub downstream_received: u64,
    /// Bytes delivered to the service.
    pub upstream_bytes: u64,
    /// Bytes delivered to clients.
    pub downstream_bytes: u64,
    /// Whether connections are accepted. Those refused while this is false cannot be counted: the system refuses them
    /// without telling the proxy.
    pub listening: bool,
    /// The toxics in force, in the order in which they were added.
    pub toxics: Vec<ToxicCounters>,
}

/// What one toxic has done so far.
///
/// A connection has *carried* under a toxic once bytes arrived in the toxic's direction while it was in force, or the
/// toxic ended the connection. For toxics that act on whole connections (`reset_peer`, `down`) bytes of either direction
/// count, and so does opening the connection while the toxic was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToxicCounters {
    /// The toxic.
    pub name: String,
    /// Connections it met: those open when it was added, and those opened since.
    pub considered: u64,
    /// Those of them that were chosen.
    pub touched: u64,
    /// Those of the considered that carried.
    pub carried: u64,
    /// Those of the touched that carried.
    pub touched_carried: u64,
    /// [Requests](RouteCounters::requests) on the considered connections, while it was in force.
    #[serde(default)]
    pub requests: u64,
    /// Those of them on touched connections.
    #[serde(default)]
    pub touched_requests: u64,
    /// Bytes that arrived in its direction on the considered connections, while it was in force.
    pub bytes: u64,
    /// Those of them that arrived on touched connections; with time slices, in touched slices.
    pub touched_bytes: u64,
    /// Connections it closed or reset. Connections that were refused by a closed listener are not among them.
    pub closed: u64,
    /// Whether it keeps the route from listening: then what it refuses cannot be counted.
    pub shuts: bool,
    /// Connections that the route had accepted before this toxic was added.
    pub opened_before: u64,
}

#[cfg(test)]
impl ToxicCounters {
    /// The share of the traffic that was really touched; `None` where nothing carried.
    pub(crate) fn reached(&self) -> Option<crate::units::Percent> {
        let share = self.touched_carried as f64 / self.carried as f64;
        (self.carried > 0).then(|| crate::units::Percent::from_fraction(share))
    }
}

#[derive(Debug, Default)]
pub(super) struct RouteTally {
    pub(super) opened: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) upstream_received: AtomicU64,
    pub(super) downstream_received: AtomicU64,
    pub(super) upstream_bytes: AtomicU64,
    pub(super) downstream_bytes: AtomicU64,
}

impl RouteTally {
    pub(super) fn read(&self, listening: bool, toxics: Vec<ToxicCounters>) -> RouteCounters {
        RouteCounters {
            opened: self.opened.load(Relaxed),
            open: self.open.load(Relaxed),
            requests: self.requests.load(Relaxed),
            upstream_received: self.upstream_received.load(Relaxed),
            downstream_received: self.downstream_received.load(Relaxed),
            upstream_bytes: self.upstream_bytes.load(Relaxed),
            downstream_bytes: self.downstream_bytes.load(Relaxed),
            listening,
            toxics,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct ToxicTally {
    considered: AtomicU64,
    touched: AtomicU64,
    carried: AtomicU64,
    touched_carried: AtomicU64,
    requests: AtomicU64,
    touched_requests: AtomicU64,
    bytes: AtomicU64,
    touched_bytes: AtomicU64,
    closed: AtomicU64,
}

impl ToxicTally {
    pub(super) fn meets(&self, touched: bool) {
        self.considered.fetch_add(1, Relaxed);
        self.touched.fetch_add(u64::from(touched), Relaxed);
    }

    pub(super) fn retouches(&self, touched: bool) {
        if touched {
            self.touched.fetch_add(1, Relaxed);
        } else {
            self.touched.fetch_sub(1, Relaxed);
        }
    }

    pub(super) fn carries(&self, touched: bool) {
        self.carried.fetch_add(1, Relaxed);
        self.touched_carried.fetch_add(u64::from(touched), Relaxed);
    }

    pub(super) fn asks(&self, touched: bool) {
        self.requests.fetch_add(1, Relaxed);
        self.touched_requests.fetch_add(u64::from(touched), Relaxed);
    }

    pub(super) fn considers_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn touches_bytes(&self, bytes: u64) {
        self.touched_bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn closes(&self) {
        self.closed.fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self, name: &str, shuts: bool, opened_before: u64) -> ToxicCounters {
        ToxicCounters {
            name: name.to_owned(),
            shuts,
            opened_before,
            considered: self.considered.load(Relaxed),
            touched: self.touched.load(Relaxed),
            carried: self.carried.load(Relaxed),
            touched_carried: self.touched_carried.load(Relaxed),
            requests: self.requests.load(Relaxed),
            touched_requests: self.touched_requests.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            touched_bytes: self.touched_bytes.load(Relaxed),
            closed: self.closed.load(Relaxed),
        }
    }
}
