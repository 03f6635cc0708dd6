//! The catalogue of faults: one file per family. Each constructor names a service and carries typed parameters.
//!
//! ```
//! use chaos_harness::{fault, Fault};
//! use std::time::Duration;
//!
//! let slow: Fault = fault::latency("redis", Duration::from_millis(200)).jitter(Duration::from_millis(50)).into();
//! assert_eq!(slow.to_string(), "latency 200ms ± 50ms on redis");
//! let gone: Fault = fault::kill("inventory").into();
//! assert_eq!(gone.to_string(), "kill inventory");
//! ```

mod connections;
mod instance;
mod magnitude;
mod network;
mod stream;

use crate::proxy::{Stream, Toxic};
use crate::system::ServiceName;
use crate::units::show_duration;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

pub use connections::{Burst, DelayConnections, LimitConnections, RefuseConnections};
pub use connections::{burst, delay_connections, limit_connections, refuse_connections};
pub use instance::{InstanceFault, Kill, LimitMemory, Pause, StarveCpu, Stop};
pub use instance::{kill, limit_memory, pause, starve_cpu, stop};
pub(crate) use magnitude::Amount;
pub use network::{Bandwidth, Down, Latency, ResetPeer, Timeout};
pub use network::{bandwidth, down, latency, reset_peer, timeout};
pub use stream::{LimitData, Slicer, SlowClose, Stall};
pub use stream::{limit_data, slicer, slow_close, stall};

/// What is injected, and into which service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Fault {
    /// The service it is injected into.
    pub service: ServiceName,
    /// What is done to it.
    pub kind: FaultKind,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub enum FaultKind {
    /// A fault on the byte stream of the routes to the service.
    Toxic {
        /// What is done to the bytes.
        toxic: Toxic,
        /// Which way they go.
        stream: Stream,
        /// Where the toxic acts on stretches of this length of each connection's time, and not on whole connections.
        slice: Option<Duration>,
    },
    /// A fault on instances of the service.
    Instance(InstanceFault),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FaultKind::Toxic { toxic, stream, slice } => {
                write!(f, "{toxic}")?;
                if let Some(slice) = slice {
                    write!(f, " in slices of {}", show_duration(*slice))?;
                }
                match stream {
                    Stream::Downstream => write!(f, " on {}", self.service),
                    Stream::Upstream => write!(f, " on requests to {}", self.service),
                }
            }
            FaultKind::Instance(fault) => fault.describe(&self.service, f),
        }
    }
}
