//! Chaos experiments as ordinary Rust tests.
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

// The macros expand to `::chaos_harness::…`; inside this crate that name is given here.
extern crate self as chaos_harness;

mod chance;
mod clock;
pub mod fault;
pub mod measure;
pub mod proxy;
pub mod safety;
pub mod system;
mod units;

pub use chance::{ParseSeedError, Seed};
pub use fault::{Fault, FaultKind};
pub use measure::{Load, Threshold, metric};
pub use system::ServiceName;
pub use units::{ByteRate, Bytes, Factor, Percent, PercentOutOfRange, Rate};
