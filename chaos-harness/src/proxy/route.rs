//! A route: an address for clients, the service behind it, and the toxics between them.

use super::active::ActiveToxic;
use super::connection::Connection;
use super::counters::{RouteCounters, RouteTally, ToxicCounters};
use super::error::ProxyError;
use super::link::ToxicId;
use super::listener::Listener;
use super::lock::lock;
use super::toxic::{Stream, Toxic};
use super::toxics::{self, Meeting};
use crate::units::Percent;
use crate::{Seed, clock};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// How long accepting rests after it failed: the cause (most often no free file descriptor) needs time to go away.
const ACCEPT_REST: Duration = Duration::from_millis(10);

/// How long a refusal may take: on the loopback interface it is immediate.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

/// A toxic to be put on a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToxicSpec {
    /// What it is removed by; once on a route.
    pub(crate) name: String,
    /// What it does.
    pub(crate) toxic: Toxic,
    /// To which direction. Toxics that act on whole connections act on both.
    pub(crate) stream: Stream,
    /// To which share of the connections. Decided once for each connection.
    pub(crate) share: Percent,
}

/// A handle to a route; cheap to clone. The route lives as long as its proxy.
#[derive(Clone)]
pub(crate) struct Route {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    seed: Seed,
    listener: Listener,
    upstream: Mutex<SocketAddr>,
    registry: Mutex<Registry>,
    tally: Arc<RouteTally>,
}

#[derive(Default)]
struct Registry {
    /// In the order in which they were added, which is the order in which bytes pass them.
    toxics: Vec<ActiveToxic>,
    /// In the order in which they were opened.
    connections: BTreeMap<u64, Arc<Connection>>,
    next_connection: u64,
    next_toxic: u64,
    stopped: bool,
}

impl Route {
    /// Listens and begins to serve.
    pub(super) fn open(
        name: &str,
        upstream: SocketAddr,
        seed: Seed,
        runtime: &Handle,
    ) -> Result<Self, ProxyError> {
        let listener = Listener::bind(runtime.clone())
            .map_err(|source| ProxyError::Listen { route: name.to_owned(), source })?;
        let inner = Arc::new(Inner {
            name: name.to_owned(),
            seed,
            listener,
            upstream: Mutex::new(upstream),
            registry: Mutex::default(),
            tally: Arc::default(),
        });
        runtime.spawn(accept(Arc::clone(&inner)));
        Ok(Self { inner })
    }

    /// The name it was given.
    pub(crate) fn name(&self) -> &str {
        &self.inner.name
    }

    /// Where clients connect. Stays the same for the life of the route.
    pub(crate) fn address(&self) -> SocketAddr {
        self.inner.listener.address()
    }

    /// Where new connections are led.
    #[cfg(test)]
    pub(crate) fn upstream(&self) -> SocketAddr {
        *lock(&self.inner.upstream)
    }

    /// Leads new connections to `upstream`; those that are open stay where they are.
    pub(crate) fn set_upstream(&self, upstream: SocketAddr) {
        *lock(&self.inner.upstream) = upstream;
    }

    /// Puts a toxic on the route, behind those it has. In force on live and new connections when this returns.
    pub(crate) fn add(&self, spec: ToxicSpec) -> Result<(), ProxyError> {
        let Inner { name: route, seed, listener, .. } = &*self.inner;
        toxics::check(spec.toxic)
            .map_err(|reason| ProxyError::InvalidToxic { toxic: spec.name.clone(), reason })?;
        let mut registry = lock(&self.inner.registry);
        if registry.stopped {
            return Err(ProxyError::Stopped(route.clone()));
        }
        if registry.position(&spec.name).is_some() {
            return Err(ProxyError::ToxicExists { route: route.clone(), toxic: spec.name });
        }
        let mut toxic =
            ActiveToxic::new(ToxicId(registry.next_toxic), spec, route, *seed, registry.next_connection);
        registry.next_toxic += 1;
        if toxic.shuts_listener() {
            listener.shut();
        }
        let now = clock::now();
        for connection in registry.connections.values() {
            connection.meet(&mut toxic, Meeting::Live, now);
        }
        registry.toxics.push(toxic);
        Ok(())
    }

    /// Takes a toxic off the route, at once and whatever the connections are doing; what it did.
    ///
    /// Bytes that it delayed go on in order. Connections whose bytes it withheld for good are closed. A route that was
    /// down listens on its old port again; should that fail, the toxic stays and this can be tried again.
    pub(crate) fn remove(&self, name: &str) -> Result<ToxicCounters, ProxyError> {
        let Inner { name: route, listener, .. } = &*self.inner;
        let mut registry = lock(&self.inner.registry);
        if registry.stopped {
            return Err(ProxyError::Stopped(route.clone()));
        }
        let Some(position) = registry.position(name) else {
            return Err(ProxyError::NoSuchToxic { route: route.clone(), toxic: name.to_owned() });
        };
        let shut_by_others = || {
            let mut others = registry.toxics.iter().enumerate().filter(|(other, _)| *other != position);
            others.any(|(_, toxic)| toxic.shuts_listener())
        };
        if registry.toxics[position].shuts_listener() && !shut_by_others() {
            listener.reopen().map_err(|source| ProxyError::Relisten {
                route: route.clone(),
                address: listener.address(),
                source,
            })?;
        }
        let toxic = registry.toxics.remove(position);
        let now = clock::now();
        for connection in registry.connections.values() {
            connection.part(toxic.id, now);
        }
        Ok(toxic.counters())
    }

    /// What has passed, and what the toxics in force have done, up to now.
    pub(crate) fn counters(&self) -> RouteCounters {
        let toxics = lock(&self.inner.registry).toxics.iter().map(ActiveToxic::counters).collect();
        self.inner.tally.read(self.inner.listener.is_open(), toxics)
    }

    /// Whether a connection to the route is refused just now. One that is not is closed at once, and counted like any
    /// other.
    pub(crate) async fn refuses(&self) -> bool {
        let attempt = tokio::time::timeout(REFUSED_WITHIN, TcpStream::connect(self.address())).await;
        matches!(attempt, Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused)
    }

    /// Closes the port and all connections, for good.
    pub(super) fn stop(&self) {
        let mut registry = lock(&self.inner.registry);
        registry.stopped = true;
        self.inner.listener.stop();
        for connection in registry.connections.values() {
            connection.close();
        }
    }
}

impl Registry {
    fn position(&self, toxic: &str) -> Option<usize> {
        self.toxics.iter().position(|active| active.name() == toxic)
    }
}

/// Accepts connections for the life of the route.
async fn accept(route: Arc<Inner>) {
    while let Some(accepted) = poll_fn(|cx| route.listener.poll_accept(cx)).await {
        match accepted {
            Ok(client) => admit(&route, client),
            Err(error) => {
                tracing::warn!(route = route.name, %error, "cannot accept a connection");
                clock::sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// Lets a new connection meet the toxics in force, and gives it a task of its own: a slow dial holds up no other.
fn admit(route: &Arc<Inner>, client: TcpStream) {
    let mut registry = lock(&route.registry);
    if registry.stopped {
        return;
    }
    let number = registry.next_connection;
    registry.next_connection += 1;
    let connection = Arc::new(Connection::new(number, client, Arc::clone(&route.tally)));
    let now = clock::now();
    for toxic in &mut registry.toxics {
        connection.meet(toxic, Meeting::New, now);
    }
    registry.connections.insert(number, Arc::clone(&connection));
    drop(registry);

    let route = Arc::clone(route);
    tokio::spawn(async move {
        let upstream = *lock(&route.upstream);
        connection.run(upstream).await;
        lock(&route.registry).connections.remove(&number);
    });
}
