//! The embedded proxy as a server of its own, in the place of `toxiproxy-server`.

mod config;
mod error;
mod limit;
mod signals;

pub(crate) use error::ServeError;

use crate::arguments::{Remote, Serve};
use crate::token;
use chaos_harness::Seed;
use chaos_harness::proxy::{ApiAccess, ApiOptions, ApiToken, Proxy};
use signals::Signals;
use std::io::{self, Write as _};

/// Serves until a signal ends it.
#[expect(clippy::disallowed_methods, reason = "a server knows no trial, and logs no token")]
pub(crate) fn serve(arguments: &Serve) -> Result<(), ServeError> {
    tracing_subscriber::fmt().with_max_level(arguments.log_level).with_writer(io::stderr).init();
    let access = access(arguments.remote, token::read(&arguments.token)?)?;
    limit::raise();
    // Before anything is told to be ready: whoever reads that may send a signal at once.
    let signals = Signals::listen()?;
    let proxy = Proxy::start(arguments.seed.unwrap_or_else(Seed::fresh))?;
    if let Some(file) = &arguments.config {
        config::open(file, proxy.table())?;
    }
    let api = proxy.serve_api(ApiOptions {
        listen: authority(&arguments.host, arguments.port),
        access,
        allowed_hosts: arguments.allowed_hosts.clone(),
        proxy_metrics: arguments.proxy_metrics,
        runtime_metrics: arguments.runtime_metrics,
    })?;
    // Nobody need read it.
    let _ = writeln!(io::stdout(), "listening on http://{}, seed {}", api.address(), proxy.table().seed());
    let signal = signals.wait();
    tracing::info!("{signal}: closing all proxies");
    Ok(())
}

/// Who may use the API.
fn access(remote: Option<Remote>, token: Option<ApiToken>) -> Result<ApiAccess, ServeError> {
    match (remote, token) {
        (None, token) => Ok(ApiAccess::Local { token }),
        (Some(Remote::Token), Some(token)) => Ok(ApiAccess::Remote { token }),
        (Some(Remote::Token), None) => Err(ServeError::NoToken),
        (Some(Remote::Anyone), None) => Ok(ApiAccess::RemoteWithoutToken),
        (Some(Remote::Anyone), Some(_)) => Err(ServeError::NeedlessToken),
    }
}

/// A host and a port as an address is written.
fn authority(host: &str, port: u16) -> String {
    let is_bare = host.contains(':') && !host.starts_with('[');
    if is_bare { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::authority;

    #[test]
    fn an_address_of_version_6_is_bracketed_once() {
        assert_eq!(authority("localhost", 1), "localhost:1");
        assert_eq!(authority("::1", 1), "[::1]:1");
        assert_eq!(authority("[::1]", 1), "[::1]:1");
    }
}
