//! How the API is served, and to whom.

use super::host::ApiHost;
use super::token::ApiToken;

/// How the API is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiOptions {
    /// Where: `host:port`. Port 0 is a free port.
    pub listen: String,
    /// Who may use it.
    pub access: ApiAccess,
    /// What it is called by its callers, beside `localhost`, addresses of loopback and what it listens on. A request to
    /// any other name is refused: a page of a browser on this machine may have sent it, from a site whose name leads here.
    pub allowed_hosts: Vec<ApiHost>,
    /// Whether `/metrics` counts what passes the routes.
    pub proxy_metrics: bool,
    /// Whether `/metrics` shows what the process uses.
    pub runtime_metrics: bool,
}

impl Default for ApiOptions {
    /// Where clients look for Toxiproxy, for this machine alone, and without metrics.
    fn default() -> Self {
        Self {
            listen: "localhost:8474".to_owned(),
            access: ApiAccess::default(),
            allowed_hosts: Vec::new(),
            proxy_metrics: false,
            runtime_metrics: false,
        }
    }
}

/// Who may use the API. Whoever may can open ports on this machine, and connect to what it reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiAccess {
    /// Programs on this machine: an address that is not loopback is refused.
    Local {
        /// What they must show, where they are not all trusted.
        token: Option<ApiToken>,
    },
    /// Whoever reaches the address, whatever it is, and shows the token.
    Remote {
        /// What they must show.
        token: ApiToken,
    },
    /// Whoever reaches the address, whatever it is: for a network of its own, as containers have.
    RemoteWithoutToken,
}

impl Default for ApiAccess {
    fn default() -> Self {
        Self::Local { token: None }
    }
}

impl ApiAccess {
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Local { .. })
    }

    pub(super) fn token(self) -> Option<ApiToken> {
        match self {
            Self::Local { token } => token,
            Self::Remote { token } => Some(token),
            Self::RemoteWithoutToken => None,
        }
    }
}
