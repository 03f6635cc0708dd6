//! What the fuzz targets in `fuzz/` call. Built for them alone.

pub use crate::experiment::fuzz_plan as plan;
pub use crate::ledger::fuzz_ledger as ledger;
pub use crate::proxy::{fuzz_api as api, fuzz_proxies as proxies};
pub use crate::report::fuzz_journal as journal;
pub use crate::safety::{fuzz_lease as lease, fuzz_undo_log as undo_log};
pub use crate::settings::{fuzz_environment as environment, fuzz_settings as settings};
