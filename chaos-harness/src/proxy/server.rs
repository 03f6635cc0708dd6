//! The proxy's threads, and the routes it serves.

use super::error::ProxyError;
use super::lock::lock;
use super::route::Route;
use crate::Seed;
use std::net::SocketAddr;
use std::sync::Mutex;
use tokio::runtime::{Builder, Runtime};

/// Two, so that one busy connection does not hold up all others.
const WORKER_THREADS: usize = 2;

/// A proxy with threads of its own: a caller that blocks its runtime does not change a fault's timing.
///
/// Dropping it closes all ports and connections at once, without waiting for its threads.
pub(crate) struct Proxy {
    seed: Seed,
    /// Present until the proxy is dropped.
    runtime: Option<Runtime>,
    routes: Mutex<Vec<Route>>,
}

impl Proxy {
    /// Starts the threads. Which connections a toxic touches, and its jitter, are drawn from `seed`.
    pub(crate) fn start(seed: Seed) -> Result<Self, ProxyError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .thread_name("chaos-proxy")
            .enable_all()
            .build()
            .map_err(ProxyError::Threads)?;
        Ok(Self { seed, runtime: Some(runtime), routes: Mutex::default() })
    }

    /// Serves `upstream` at a free port of 127.0.0.1. Never blocks; may be called from async code as well.
    pub(crate) fn route(&self, name: &str, upstream: SocketAddr) -> Result<Route, ProxyError> {
        let Some(runtime) = &self.runtime else { return Err(ProxyError::Stopped(name.to_owned())) };
        let mut routes = lock(&self.routes);
        if routes.iter().any(|route| route.name() == name) {
            return Err(ProxyError::RouteExists(name.to_owned()));
        }
        let route = Route::open(name, upstream, self.seed, runtime.handle())?;
        routes.push(route.clone());
        Ok(route)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        lock(&self.routes).iter().for_each(Route::stop);
        if let Some(runtime) = self.runtime.take() {
            // Waiting would panic where a runtime's own thread drops the proxy.
            runtime.shutdown_background();
        }
    }
}
