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

mod instance;
mod network;

use crate::proxy::{Stream, Toxic};
use crate::system::ServiceName;
use serde::{Deserialize, Serialize};
use std::fmt;

pub use instance::{InstanceFault, Kill, LimitMemory, Pause, StarveCpu, Stop};
pub use instance::{kill, limit_memory, pause, starve_cpu, stop};
pub use network::{Bandwidth, Down, Latency, ResetPeer, Timeout};
pub use network::{bandwidth, down, latency, reset_peer, timeout};

/// What is injected, and into which service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The service it is injected into.
    pub service: ServiceName,
    /// What is done to it.
    pub kind: FaultKind,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FaultKind {
    /// A fault on the byte stream of the routes to the service.
    Toxic {
        /// What is done to the bytes.
        toxic: Toxic,
        /// Which way they go.
        stream: Stream,
    },
    /// A fault on instances of the service.
    Instance(InstanceFault),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FaultKind::Toxic { toxic, stream: Stream::Downstream } => {
                write!(f, "{toxic} on {}", self.service)
            }
            FaultKind::Toxic { toxic, stream: Stream::Upstream } => {
                write!(f, "{toxic} on requests to {}", self.service)
            }
            FaultKind::Instance(fault) => fault.describe(&self.service, f),
        }
    }
}
