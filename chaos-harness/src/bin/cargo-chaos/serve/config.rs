//! The proxies that a file names.

use super::ServeError;
use chaos_harness::proxy::{Table, read_routes};
use std::fs;
use std::path::Path;

/// Opens the proxies in `file`.
pub(super) fn open(file: &Path, table: &Table) -> Result<(), ServeError> {
    let text = fs::read(file).map_err(|source| ServeError::ReadConfig { file: file.into(), source })?;
    let specs = read_routes(&text).map_err(|source| ServeError::Config { file: file.into(), source })?;
    for spec in specs {
        let name = spec.name.clone();
        let opened = table.open(spec);
        let route = opened.map_err(|source| ServeError::Route { file: file.into(), name, source })?;
        tracing::info!("{}: {} -> {}", route.name(), route.listen(), route.upstream());
    }
    Ok(())
}
