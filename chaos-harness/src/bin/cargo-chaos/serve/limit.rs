//! How many connections the server may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit of open descriptors as far as this user may. Each connection takes two.
pub(super) fn raise() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => tracing::debug!("up to {:?} open descriptors", limit.current),
        // It serves all the same, only fewer connections at once.
        Err(error) => tracing::warn!(%error, "the limit of open descriptors stays as it is"),
    }
}
