//! The embedded proxy as a server of its own, in the place of `toxiproxy-server`.

mod config;
mod error;
mod limit;
mod signals;

pub(crate) use error::ServeError;

use crate::arguments::Serve;
use chaos_harness::Seed;
use chaos_harness::proxy::{ApiOptions, Proxy};
use signals::Signals;
use std::io::{self, Write as _};

/// Serves until a signal ends it.
pub(crate) fn serve(arguments: &Serve) -> Result<(), ServeError> {
    tracing_subscriber::fmt().with_max_level(arguments.log_level).with_writer(io::stderr).init();
    limit::raise();
    // Before anything is told to be ready: whoever reads that may send a signal at once.
    let signals = Signals::listen()?;
    let proxy = Proxy::start(arguments.seed.unwrap_or_else(Seed::fresh))?;
    if let Some(file) = &arguments.config {
        config::open(file, proxy.table())?;
    }
    let api = proxy.serve_api(ApiOptions {
        listen: authority(&arguments.host, arguments.port),
        proxy_metrics: arguments.proxy_metrics,
        runtime_metrics: arguments.runtime_metrics,
    })?;
    // Nobody need read it.
    let _ = writeln!(io::stdout(), "listening on http://{}, seed {}", api.address(), proxy.table().seed());
    let signal = signals.wait();
    tracing::info!("{signal}: closing all proxies");
    Ok(())
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
