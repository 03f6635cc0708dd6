//! Chaos experiments as ordinary Rust tests.
#![deny(missing_docs)]

#[cfg(windows)]
compile_error!("chaos-harness needs Unix signals and processes: on Windows, use it inside WSL2");

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod blast_radius;
mod chance;
mod clock;
pub mod experiment;
pub mod fault;
pub mod harness;
mod macros;
pub mod measure;
pub mod prelude;
pub mod proxy;
pub mod report;
pub mod safety;
pub mod system;
mod units;

pub use blast_radius::{Reach, Scope, Stage};
pub use chance::{ParseSeedError, Seed};
pub use experiment::Experiment;
pub use fault::{Fault, FaultKind};
pub use macros::{chaos_test, system};
pub use measure::{Load, Threshold, metric};
pub use system::{Service, ServiceName, Services, System};
pub use units::{ByteRate, Bytes, Factor, Percent, PercentOutOfRange, Rate};

/// Any error: what `?` makes of the errors in an operation.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What an operation returns: `Ok` is a success, `Err` a failure.
pub type Result<T = (), E = BoxError> = std::result::Result<T, E>;
