//! The proxy's threads, and the routes it serves.

use super::error::ProxyError;
use super::lock::lock;
use super::route::Route;
use super::shared::Shared;
use super::spec::RouteSpec;
use crate::Seed;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::runtime::{Builder, Runtime};

/// Two, so that one busy connection does not hold up all others.
const WORKER_THREADS: usize = 2;

/// A proxy with threads of its own: a caller that blocks its runtime does not change a fault's timing.
///
/// Dropping it closes all ports and connections at once, without waiting for its threads.
///
/// ```
/// use chaos_harness::proxy::{Proxy, Stream, Toxic, ToxicSpec};
/// use chaos_harness::Seed;
/// use std::time::Duration;
///
/// let service = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let proxy = Proxy::start(Seed::new(7))?;
/// let route = proxy.route("redis", service.local_addr()?)?;
/// let slow = Toxic::Latency { delay: Duration::from_millis(200), jitter: Duration::ZERO };
/// route.add(ToxicSpec::new("slow", slow, Stream::Downstream))?;
/// let client = std::net::TcpStream::connect(route.address().expect("it is enabled"))?;
/// route.remove("slow")?; // at once, whatever the connections are doing
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Proxy {
    /// Present until the proxy is dropped.
    runtime: Option<Runtime>,
    table: Table,
}

impl Proxy {
    /// Starts the threads. Which connections a toxic touches, and its jitter, are drawn from `seed`.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn start(seed: Seed) -> Result<Self, ProxyError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .thread_name("chaos-proxy")
            .enable_all()
            .build()
            .map_err(ProxyError::Threads)?;
        let shared = Shared::new(seed, runtime.handle().clone()).map_err(ProxyError::Threads)?;
        let table = Table { inner: Arc::new(Inner { shared: Arc::new(shared), routes: Mutex::default() }) };
        Ok(Self { runtime: Some(runtime), table })
    }

    /// Serves `upstream` at a free port of 127.0.0.1. Never blocks; may be called from async code as well.
    ///
    /// # Errors
    /// There is a route of this name already, or no free port.
    pub fn route(&self, name: &str, upstream: SocketAddr) -> Result<Route, ProxyError> {
        self.table.open(RouteSpec::new(name, "127.0.0.1:0", upstream.to_string()))
    }

    /// All its routes.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.table.stop();
        if let Some(runtime) = self.runtime.take() {
            // Waiting would panic where a runtime's own thread drops the proxy.
            runtime.shutdown_background();
        }
    }
}

/// The routes of a proxy, by name. Cheap to clone; of no use once its proxy is dropped.
#[derive(Debug, Clone)]
pub struct Table {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    routes: Mutex<Routes>,
}

#[derive(Debug, Default)]
struct Routes {
    by_name: BTreeMap<String, Route>,
    stopped: bool,
}

impl Table {
    /// What every choice is drawn from.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.inner.shared.seed
    }

    /// Opens a route. May block where `listen` is a host name.
    ///
    /// # Errors
    /// There is a route of this name already, or it cannot listen there.
    pub fn open(&self, spec: RouteSpec) -> Result<Route, ProxyError> {
        let exists = |routes: &Routes, name: &str| routes.by_name.contains_key(name);
        if exists(&lock(&self.inner.routes), &spec.name) {
            return Err(ProxyError::RouteExists(spec.name));
        }
        // Not under the lock: a look-up may take its time.
        let route = Route::open(spec, &self.inner.shared)?;
        let mut routes = lock(&self.inner.routes);
        let refused = if routes.stopped {
            ProxyError::Stopped(route.name().to_owned())
        } else if exists(&routes, route.name()) {
            ProxyError::RouteExists(route.name().to_owned())
        } else {
            routes.by_name.insert(route.name().to_owned(), route.clone());
            return Ok(route);
        };
        route.stop();
        Err(refused)
    }

    /// The route of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Route> {
        lock(&self.inner.routes).by_name.get(name).cloned()
    }

    /// All routes, by name.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        lock(&self.inner.routes).by_name.values().cloned().collect()
    }

    /// Closes a route: its port and its connections, at once.
    ///
    /// # Errors
    /// There is no route of this name.
    pub fn close(&self, name: &str) -> Result<(), ProxyError> {
        let route = lock(&self.inner.routes).by_name.remove(name);
        route.ok_or_else(|| ProxyError::NoSuchRoute(name.to_owned()))?.stop();
        Ok(())
    }

    /// The proxy's own threads.
    #[cfg(feature = "toxiproxy-api")]
    pub(crate) fn runtime(&self) -> tokio::runtime::Handle {
        self.inner.shared.runtime.clone()
    }

    fn stop(&self) {
        let mut routes = lock(&self.inner.routes);
        routes.stopped = true;
        routes.by_name.values().for_each(Route::stop);
    }
}
