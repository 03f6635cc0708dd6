//! The toxics, with Toxiproxy's names and meaning, as plain data.

use crate::units::{ByteRate, Bytes, show_duration};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub enum Stream {
    /// From the client to the service.
    Upstream,
    /// From the service to the client.
    #[default]
    Downstream,
}

impl Stream {
    /// As the HTTP API calls it.
    #[cfg(any(feature = "toxiproxy-api", feature = "external-toxiproxy"))]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }
}

/// What is done to the bytes of a connection, or to the connection.
///
/// The first eight are Toxiproxy's (`Down` is its disabled proxy); the others go beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub enum Toxic {
    /// Everything arrives this much later, give or take the jitter: bytes, the end of the stream, and the opening of a
    /// connection. Data in flight keeps flowing.
    Latency {
        /// How much later.
        delay: Duration,
        /// At most this much more or less, evenly drawn for each chunk.
        jitter: Duration,
    },
    /// No more than this much data a second. At a rate of zero everything waits until the toxic is changed or removed.
    Bandwidth {
        /// The limit.
        rate: ByteRate,
    },
    /// The end of the stream arrives this much later; its bytes do not.
    SlowClose {
        /// How much later.
        delay: Duration,
    },
    /// No data gets through, and the connection is closed after this long; zero holds it open, also one that both peers have
    /// left, until the toxic is gone.
    Timeout {
        /// How long until the connection is closed.
        after: Duration,
    },
    /// The connection is reset (a real RST) this long after the toxic met it.
    ResetPeer {
        /// How long until the reset.
        after: Duration,
    },
    /// Data is written in small pieces, each on its own.
    Slicer {
        /// How long a piece is on average. Zero leaves the data as it came.
        average: Bytes,
        /// At most this much more or less, evenly drawn for each piece.
        variation: Bytes,
        /// The pause after each piece.
        delay: Duration,
    },
    /// The connection is closed once this much has passed, exact to the byte.
    LimitData {
        /// How much passes.
        bytes: Bytes,
    },
    /// Nothing listens: connections are closed, and new ones refused.
    Down,
    /// Outages that come and go: nothing passes for a while in either direction, then all of it does, and again.
    /// All connections of the route are out at the same time.
    Burst {
        /// How long each outage lasts. The first begins at once.
        on: Duration,
        /// How long it is until the next one.
        off: Duration,
    },
    /// After this much data, the rest is held back.
    Stall {
        /// How much passes before.
        after: Bytes,
        /// How long the rest is held; zero holds it until the toxic is removed.
        hold: Duration,
    },
    /// No more than this many connections at a time: the service's pool is exhausted.
    LimitConnections {
        /// How many may be open.
        connections: u32,
        /// How long others wait for a place before they are reset; zero resets them at once.
        wait: Duration,
    },
    /// New connections are refused; those that are open go on.
    RefuseConnections,
    /// New connections take this much longer to open; those that are open do not feel it.
    DelayConnections {
        /// How much longer.
        delay: Duration,
        /// At most this much more or less, evenly drawn for each connection.
        jitter: Duration,
    },
}

impl Toxic {
    /// Its type, as the HTTP API calls it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Bandwidth { .. } => "bandwidth",
            Self::SlowClose { .. } => "slow_close",
            Self::Timeout { .. } => "timeout",
            Self::ResetPeer { .. } => "reset_peer",
            Self::Slicer { .. } => "slicer",
            Self::LimitData { .. } => "limit_data",
            Self::Down => "down",
            Self::Burst { .. } => "burst",
            Self::Stall { .. } => "stall",
            Self::LimitConnections { .. } => "limit_connections",
            Self::RefuseConnections => "refuse_connections",
            Self::DelayConnections { .. } => "delay_connections",
        }
    }

    /// What is wrong with its parameters, if anything, and what would be right.
    ///
    /// # Errors
    /// A parameter that no behaviour could be true to.
    pub fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Slicer { average, variation, .. } if variation > average => Err(
                "pieces that vary by more than their average would be shorter than nothing: give a variation of at \
                 most the average",
            ),
            Self::Burst { on, off } if on.is_zero() || off.is_zero() => {
                Err("a burst comes and goes: give both its time on and its time off, each above zero")
            }
            _ => Ok(()),
        }
    }

    /// Whether it can act on slices of time: it delays or holds bytes, and neither loses them nor ends connections.
    #[must_use]
    pub const fn has_slices(&self) -> bool {
        matches!(self, Self::Latency { .. } | Self::Bandwidth { .. } | Self::Slicer { .. })
    }

    /// Whether it acts on whole connections, and so in both directions whatever its stream.
    #[must_use]
    pub const fn is_of_connections(&self) -> bool {
        match self {
            Self::ResetPeer { .. }
            | Self::Down
            | Self::Burst { .. }
            | Self::LimitConnections { .. }
            | Self::RefuseConnections
            | Self::DelayConnections { .. } => true,
            Self::Latency { .. }
            | Self::Bandwidth { .. }
            | Self::SlowClose { .. }
            | Self::Timeout { .. }
            | Self::Slicer { .. }
            | Self::LimitData { .. }
            | Self::Stall { .. } => false,
        }
    }
}

impl fmt::Display for Toxic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Latency { delay, jitter } | Self::DelayConnections { delay, jitter } => {
                write!(f, " {}", show_duration(*delay))?;
                if jitter.is_zero() { Ok(()) } else { write!(f, " ± {}", show_duration(*jitter)) }
            }
            Self::Bandwidth { rate } => write!(f, " {rate}"),
            Self::SlowClose { delay } => write!(f, " {}", show_duration(*delay)),
            Self::Timeout { after } if after.is_zero() => Ok(()),
            Self::Timeout { after } => write!(f, " {}", show_duration(*after)),
            Self::ResetPeer { after } if after.is_zero() => Ok(()),
            Self::ResetPeer { after } => write!(f, " after {}", show_duration(*after)),
            Self::Slicer { average, variation, delay } => {
                write!(f, " {average}")?;
                if variation.get() > 0 {
                    write!(f, " ± {variation}")?;
                }
                if delay.is_zero() { Ok(()) } else { write!(f, " every {}", show_duration(*delay)) }
            }
            Self::LimitData { bytes } => write!(f, " {bytes}"),
            Self::Burst { on, off } => {
                write!(f, " {} every {}", show_duration(*on), show_duration(on.saturating_add(*off)))
            }
            Self::Stall { after, hold } => {
                write!(f, " after {after}")?;
                if hold.is_zero() { Ok(()) } else { write!(f, " for {}", show_duration(*hold)) }
            }
            Self::LimitConnections { connections, wait } => {
                write!(f, " {connections}")?;
                if wait.is_zero() { Ok(()) } else { write!(f, " after waiting {}", show_duration(*wait)) }
            }
            Self::Down | Self::RefuseConnections => Ok(()),
        }
    }
}
