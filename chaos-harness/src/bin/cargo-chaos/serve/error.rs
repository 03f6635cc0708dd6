//! Why there is no server.

use crate::token::TokenError;
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
    Api(ApiError),
    #[error(
        "the API at {address} could be used from other machines: listen on localhost, or add --remote token and give a \
         token in CHAOS_API_TOKEN or --token-file; on a network of its own, as containers have, --remote anyone needs none"
    )]
    NotLocal { address: String },
    #[error(
        "--remote token needs a token: set CHAOS_API_TOKEN, or name a file with --token-file \
         (`openssl rand -hex 32` makes a good one)"
    )]
    NoToken,
    #[error(
        "--remote anyone asks for no token, but there is one: use --remote token, or take away CHAOS_API_TOKEN and --token-file"
    )]
    NeedlessToken,
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("signals cannot be waited for")]
    Signals(#[source] io::Error),
}

impl From<ApiError> for ServeError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::NotLocal { address, .. } => Self::NotLocal { address },
            other => Self::Api(other),
        }
    }
}
