//! The API's port and its connections.

use super::gate::Gate;
use super::host::Hosts;
use super::options::ApiOptions;
use super::service::Service;
use crate::proxy::Proxy;
use crate::proxy::lock::lock;
use crate::proxy::trouble::Trouble;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// How long a connection may be idle, or take for the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// How large the head of a request may be.
const LARGEST_HEAD: usize = 64 << 10;
/// How many lines it may have.
const MOST_HEADERS: usize = 100;
/// How many connections to the API may be open: those of routes are not among them.
const MOST_CONNECTIONS: usize = 1_024;

/// Why the API could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The address cannot be listened on.
    #[error("cannot serve the API at {address}: free that port, or choose another")]
    Listen {
        /// The address.
        address: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Other machines could use it, which [`ApiAccess::Local`] does not allow.
    ///
    /// [`ApiAccess::Local`]: crate::proxy::ApiAccess::Local
    #[error(
        "the API at {address} could be used from other machines ({found} is not loopback): listen on localhost, or set \
         ApiOptions::access to ApiAccess::Remote and a token"
    )]
    NotLocal {
        /// The address as it was asked for.
        address: String,
        /// What it means.
        found: IpAddr,
    },
}

/// The API while it is served. Dropping it closes its port and its connections, and leaves the routes as they are.
#[derive(Debug)]
#[must_use = "dropping this stops the API"]
pub struct Api {
    address: SocketAddr,
    listener: Weak<Listener>,
    task: AbortHandle,
}

impl Api {
    /// Where it is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // The port is free when this returns; the task ends some time later.
        if let Some(listener) = self.listener.upgrade() {
            lock(&listener.socket).take();
        }
        self.task.abort();
    }
}

impl Proxy {
    /// Serves the HTTP API of Toxiproxy 2.12 for the routes of this proxy, on the proxy's own threads.
    ///
    /// With the feature `toxiproxy-api`.
    ///
    /// Beyond the original's, there are the toxic types `burst`, `stall`, `limit_connections`, `refuse_connections`,
    /// `delay_connections` and `down`; a field `slice` of toxics, in milliseconds ([`ToxicSpec::slice`]); and
    /// `GET /proxies/{proxy}/counters` and `/trace`, for [`RouteCounters`] and [`Trace`]. Values that mean nothing, such
    /// as a negative rate, are refused before anything changes.
    ///
    /// [`ToxicSpec::slice`]: crate::proxy::ToxicSpec::slice
    /// [`RouteCounters`]: crate::proxy::RouteCounters
    /// [`Trace`]: crate::proxy::Trace
    ///
    /// ```
    /// use chaos_harness::Seed;
    /// use chaos_harness::proxy::{ApiOptions, Proxy};
    /// let proxy = Proxy::start(Seed::new(1))?;
    /// let api = proxy.serve_api(ApiOptions { listen: "127.0.0.1:0".to_owned(), ..ApiOptions::default() })?;
    /// println!("TOXIPROXY_URL=http://{}", api.address());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The address cannot be listened on: most often because the port is taken. Or it is not loopback, and
    /// [`ApiOptions::access`] does not say outright that other machines may use the API.
    pub fn serve_api(&self, options: ApiOptions) -> Result<Api, ApiError> {
        let ApiOptions { listen, access, allowed_hosts, proxy_metrics, runtime_metrics } = options;
        let table = self.table().clone();
        let runtime = table.runtime();
        let failed = |source| ApiError::Listen { address: listen.clone(), source };
        let addresses = preferred(listen.to_socket_addrs().map_err(failed)?);
        // All that the name means: which one is taken in the end is a matter of what is free.
        let foreign = addresses.iter().map(SocketAddr::ip).find(|ip| !ip.to_canonical().is_loopback());
        if let Some(found) = foreign.filter(|_| access.is_local()) {
            return Err(ApiError::NotLocal { address: listen, found });
        }
        let bind = || {
            let socket = std::net::TcpListener::bind(&*addresses)?;
            socket.set_nonblocking(true)?;
            let address = socket.local_addr()?;
            let _entered = runtime.enter();
            Ok((address, TcpListener::from_std(socket)?))
        };
        let (address, socket) = bind().map_err(failed)?;
        let listener = Arc::new(Listener { socket: Mutex::new(Some(socket)) });
        let weak = Arc::downgrade(&listener);
        let gate = Gate::new(Hosts::new(address.ip(), &listen, allowed_hosts), access.token());
        let service = Arc::new(Service::new(table, gate, proxy_metrics, runtime_metrics));
        let task = runtime.spawn(accept(listener, service)).abort_handle();
        Ok(Api { address, listener: weak, task })
    }
}

/// Version 4 first, as in the original: clients look for `localhost` at 127.0.0.1, and many machines name `::1` before it.
fn preferred(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses
}

#[derive(Debug)]
struct Listener {
    /// `None` once the API has been dropped.
    socket: Mutex<Option<TcpListener>>,
}

impl Listener {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<TcpStream>>> {
        let socket = lock(&self.socket);
        let Some(socket) = &*socket else { return Poll::Ready(None) };
        let accepted = ready!(socket.poll_accept(cx));
        Poll::Ready(Some(accepted.map(|(stream, _)| stream)))
    }
}

async fn accept(listener: Arc<Listener>, service: Arc<Service>) {
    // Dropped with this task, which ends them.
    let mut connections = JoinSet::new();
    let mut trouble = Trouble::default();
    while let Some(accepted) = poll_fn(|cx| listener.poll_accept(cx)).await {
        while connections.try_join_next().is_some() {}
        match accepted {
            // Closed at once: to wait for another to end would keep out those who do not know why.
            Ok(stream) if connections.len() >= MOST_CONNECTIONS => drop(stream),
            Ok(stream) => {
                trouble.is_over();
                connections.spawn(converse(stream, Arc::clone(&service)));
            }
            Err(error) => trouble.goes_on("the API", &error).await,
        }
    }
}

async fn converse(stream: TcpStream, service: Arc<Service>) {
    // Without it a client may wait for an answer that is ready; that is no reason to give none.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .half_close(true)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the API ended");
    }
}

#[cfg(test)]
mod tests {
    use super::preferred;
    use std::net::SocketAddr;

    #[test]
    fn version_4_comes_first_and_the_order_stays_otherwise() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let found = ["[::1]:1", "127.0.0.1:1", "[fe80::1]:1", "10.0.0.1:1"].map(address);
        let expected = ["127.0.0.1:1", "10.0.0.1:1", "[::1]:1", "[fe80::1]:1"].map(address);
        assert_eq!(preferred(found.into_iter()), expected);
    }
}
