//! What is asked of the proxy, as plain data: routes, changes of routes, and toxics on them.

use super::toxic::{Stream, Toxic};
use crate::units::Percent;
use std::time::Duration;

/// A route to be opened.
///
/// ```
/// use chaos_harness::proxy::RouteSpec;
/// let spec = RouteSpec::new("redis", "127.0.0.1:0", "127.0.0.1:6379");
/// assert!(spec.enabled);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// What it is found by; once in a table.
    pub name: String,
    /// Where it listens: `host:port`. No host means any address, and port 0 (or nothing at all) a free one. It is looked
    /// up and bound only while the route is enabled.
    pub listen: String,
    /// Where connections are led: `host:port`, looked up for each of them.
    pub upstream: String,
    /// Whether it listens.
    pub enabled: bool,
}

impl RouteSpec {
    /// An enabled route.
    pub fn new(name: impl Into<String>, listen: impl Into<String>, upstream: impl Into<String>) -> Self {
        Self { name: name.into(), listen: listen.into(), upstream: upstream.into(), enabled: true }
    }
}

/// What is to be different about a route; the rest stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteChange {
    /// Another place to listen.
    pub listen: Option<String>,
    /// Another place to lead connections to. Those that are open are closed.
    pub upstream: Option<String>,
    /// Whether it listens. A route that is disabled closes its connections and keeps its toxics.
    pub enabled: Option<bool>,
}

/// How likely a toxic is to touch a connection. Any number, as in Toxiproxy's API: below 0 it acts as 0, above 1 as 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Toxicity(f64);

impl Toxicity {
    /// Every connection.
    pub const ALL: Self = Self(1.0);

    /// This share, where 1 is all.
    #[must_use]
    pub const fn new(share: f64) -> Self {
        Self(share)
    }

    /// As it was given.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The share that it comes to.
    #[must_use]
    pub fn share(self) -> Percent {
        Percent::from_fraction(self.0)
    }
}

impl From<Percent> for Toxicity {
    fn from(share: Percent) -> Self {
        Self(share.fraction())
    }
}

/// A toxic to be put on a route.
///
/// ```
/// use chaos_harness::proxy::{Stream, Toxic, ToxicSpec};
/// use chaos_harness::Percent;
/// use std::time::Duration;
///
/// let slow = Toxic::Latency { delay: Duration::from_millis(200), jitter: Duration::ZERO };
/// // 5 % of the connections; or, with `slice`, of the time of each connection.
/// let spec = ToxicSpec::new("slow", slow, Stream::Downstream).share(Percent::new(5)).slice(Duration::from_millis(100));
/// assert_eq!(spec.toxicity.share(), Percent::new(5));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ToxicSpec {
    /// What it is found by; once on a route.
    pub name: String,
    /// What it does.
    pub toxic: Toxic,
    /// To which direction. Toxics that act on whole connections act on both.
    pub stream: Stream,
    /// To which share.
    pub toxicity: Toxicity,
    /// Of what: `None` decides once for each connection, `Some` for each stretch of this length on each connection.
    /// For the toxics that only delay bytes (`latency`, `bandwidth`, `slicer`).
    pub slice: Option<Duration>,
    /// The stream as a client of the HTTP API spelt it, to be given back unchanged.
    pub(crate) spelling: Option<String>,
}

impl ToxicSpec {
    /// A toxic that touches every connection.
    pub fn new(name: impl Into<String>, toxic: Toxic, stream: Stream) -> Self {
        Self { name: name.into(), toxic, stream, toxicity: Toxicity::ALL, slice: None, spelling: None }
    }

    /// Touches this share only.
    #[must_use]
    pub fn share(self, share: Percent) -> Self {
        Self { toxicity: share.into(), ..self }
    }

    /// Whether the route does not listen while this is in force.
    pub(super) fn shuts_listener(&self) -> bool {
        matches!(self.toxic, Toxic::Down | Toxic::RefuseConnections) && self.toxicity.share() == Percent::ALL
    }

    /// What is wrong with it, if anything, and what would be right.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        self.toxic.check()?;
        match self.slice {
            Some(_) if !self.toxic.has_slices() => Err(
                "only latency, bandwidth and slicer can act on slices of time: the others end connections or lose bytes",
            ),
            Some(slice) if slice.is_zero() => Err("a slice of time is longer than nothing"),
            _ => Ok(()),
        }
    }

    /// Decides for each stretch of this length on each connection.
    #[must_use]
    pub fn slice(self, slice: Duration) -> Self {
        Self { slice: Some(slice), ..self }
    }
}
