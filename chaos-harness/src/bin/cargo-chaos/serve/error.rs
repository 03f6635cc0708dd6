//! Why there is no server.

use chaos_harness::proxy::{ApiError, ProxyError, ReadRoutesError};
use std::io;
use std::path::PathBuf;

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("the configuration {} cannot be read", file.display())]
    ReadConfig { file: PathBuf, source: io::Error },
    #[error(
        "the configuration {} is no JSON array of proxies, \
         as in [{{\"name\": \"redis\", \"listen\": \"127.0.0.1:26379\", \"upstream\": \"127.0.0.1:6379\"}}]",
        file.display()
    )]
    Config { file: PathBuf, source: ReadRoutesError },
    #[error("the proxy `{name}` of {} cannot be opened", file.display())]
    Route { file: PathBuf, name: String, source: ProxyError },
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("signals cannot be waited for")]
    Signals(#[source] io::Error),
}
