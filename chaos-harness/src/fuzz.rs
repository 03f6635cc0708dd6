//! What the fuzz targets in `fuzz/` call. Built for them alone.

pub use crate::harness::fuzz_environment as environment;
pub use crate::proxy::{fuzz_api as api, fuzz_proxies as proxies};
