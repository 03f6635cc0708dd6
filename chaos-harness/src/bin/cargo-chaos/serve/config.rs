//! The proxies that a file names.

use super::ServeError;
use crate::bounded;
use chaos_harness::proxy::{Table, read_routes};
use std::path::Path;

/// How long a file may be: as long as a request that says the same.
const LONGEST: usize = 8 << 20;

/// Opens the proxies in `file`.
pub(super) fn open(file: &Path, table: &Table) -> Result<(), ServeError> {
    let text = bounded::read(file, LONGEST)
        .map_err(|source| ServeError::ReadConfig { file: file.into(), source })?;
    let specs = read_routes(&text).map_err(|source| ServeError::Config { file: file.into(), source })?;
    for spec in specs {
        let name = spec.name.clone();
        let opened = table.open(spec);
        let route = opened.map_err(|source| ServeError::Route { file: file.into(), name, source })?;
        tracing::info!("{}: {} -> {}", route.name(), route.listen(), route.upstream());
    }
    Ok(())
}
