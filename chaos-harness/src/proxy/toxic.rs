//! The toxics, with Toxiproxy's names and meaning, as plain data.

use crate::units::{ByteRate, show_duration};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Stream {
    /// From the client to the service.
    Upstream,
    /// From the service to the client.
    #[default]
    Downstream,
}

/// What is done to the bytes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Toxic {
    /// Each byte arrives this much later, give or take the jitter. Data in flight keeps flowing.
    Latency {
        /// How much later.
        delay: Duration,
        /// At most this much more or less, evenly drawn for each chunk.
        jitter: Duration,
    },
    /// No more than this much data a second.
    Bandwidth {
        /// The limit.
        rate: ByteRate,
    },
    /// No data gets through, and the connection is closed after this long; zero holds it open.
    Timeout {
        /// How long until the connection is closed.
        after: Duration,
    },
    /// The connection is reset (a real RST) this long after the toxic met it.
    ResetPeer {
        /// How long until the reset.
        after: Duration,
    },
    /// Nothing listens: connections are closed, and new ones refused.
    Down,
}

impl fmt::Display for Toxic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency { delay, jitter } if jitter.is_zero() => {
                write!(f, "latency {}", show_duration(*delay))
            }
            Self::Latency { delay, jitter } => {
                write!(f, "latency {} ± {}", show_duration(*delay), show_duration(*jitter))
            }
            Self::Bandwidth { rate } => write!(f, "bandwidth {rate}"),
            Self::Timeout { after } if after.is_zero() => f.write_str("timeout"),
            Self::Timeout { after } => write!(f, "timeout {}", show_duration(*after)),
            Self::ResetPeer { after } if after.is_zero() => f.write_str("reset_peer"),
            Self::ResetPeer { after } => write!(f, "reset_peer after {}", show_duration(*after)),
            Self::Down => f.write_str("down"),
        }
    }
}
