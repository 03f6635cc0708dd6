//! A route: an address for clients, the service behind it, and the toxics between them.

mod toxics;

use super::active::ActiveToxic;
use super::address::{Upstream, listen_address};
use super::connection::Connection;
use super::counters::{RouteCounters, RouteTally};
use super::error::{ListenError, ProxyError};
use super::listener::{Accepted, Listener};
use super::lock::lock;
use super::shared::Shared;
use super::spec::{RouteChange, RouteSpec};
use super::toxics::Meeting;
use super::trace::Trace;
use super::trouble::Trouble;
use crate::clock;
use futures::FutureExt as _;
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a change waits in all for connections that are in the middle of a turn. They make it themselves, at its end.
#[cfg(not(test))]
const PATIENCE: Duration = Duration::from_micros(500);

/// Tests look at what a change has done as soon as it returns, on machines that run more of them than they have processors.
#[cfg(test)]
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a refusal may take: on the loopback interface it is immediate.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

/// A handle to a route; cheap to clone. The route lives until it is closed, or as long as its proxy.
#[derive(Clone)]
pub struct Route {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    shared: Arc<Shared>,
    /// Held during a change, which may have to wait for a look-up.
    changing: Mutex<()>,
    registry: Mutex<Registry>,
    /// Every listener that the route has had, as long as it lives. Never held together with another lock but the listener's
    /// own, so that ports can be closed whatever becomes of the rest.
    doors: Mutex<Vec<Weak<Listener>>>,
    tally: Arc<RouteTally>,
}

struct Registry {
    /// As it is answered: resolved while the route is enabled.
    listen: String,
    /// Where it was bound last.
    address: Option<SocketAddr>,
    upstream: Upstream,
    /// Present while the route is enabled. A toxic may keep them shut.
    listeners: Vec<Arc<Listener>>,
    /// In the order in which they were added, which is the order in which bytes pass them.
    toxics: Vec<ActiveToxic>,
    /// In the order in which they were opened.
    connections: BTreeMap<u64, Arc<Connection>>,
    next_connection: u64,
    next_toxic: u64,
    trace: Trace,
    enabled: bool,
    stopped: bool,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listen = self.listen();
        f.debug_struct("Route")
            .field("name", &self.inner.name)
            .field("listen", &listen)
            .finish_non_exhaustive()
    }
}

impl Route {
    /// Listens, if it is enabled, and begins to serve.
    pub(super) fn open(spec: RouteSpec, shared: &Arc<Shared>) -> Result<Self, ProxyError> {
        let registry = Registry {
            listen: spec.listen.clone(),
            address: None,
            upstream: Upstream::new(spec.upstream),
            listeners: Vec::new(),
            toxics: Vec::new(),
            connections: BTreeMap::new(),
            next_connection: 0,
            next_toxic: 0,
            trace: Trace::new(shared.seed),
            enabled: false,
            stopped: false,
        };
        let inner = Arc::new(Inner {
            name: spec.name,
            shared: Arc::clone(shared),
            changing: Mutex::default(),
            registry: Mutex::new(registry),
            doors: Mutex::default(),
            tally: Arc::default(),
        });
        let route = Self { inner };
        if spec.enabled {
            route.change(RouteChange { enabled: Some(true), ..RouteChange::default() })?;
        }
        Ok(route)
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Where it listens, as Toxiproxy answers it: the bound address, or while it is disabled what was given.
    #[must_use]
    pub fn listen(&self) -> String {
        lock(&self.inner.registry).listen.clone()
    }

    /// Where clients connect. Kept while the route is disabled, for it will listen there again; `None` if it never did.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        lock(&self.inner.registry).address
    }

    /// Where new connections are led.
    #[must_use]
    pub fn upstream(&self) -> String {
        lock(&self.inner.registry).upstream.as_str().to_owned()
    }

    /// Whether it listens, as far as no toxic keeps it from that.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        lock(&self.inner.registry).enabled
    }

    /// Changes it. May block where `listen` is a host name.
    ///
    /// Connections stay open where the address, once looked up, and the upstream are what they were.
    ///
    /// # Errors
    /// It cannot listen there. Then nothing is changed: it still listens where it did.
    pub fn change(&self, change: RouteChange) -> Result<(), ProxyError> {
        let _alone = lock(&self.inner.changing);
        let (enabled, listen) = {
            let registry = lock(&self.inner.registry);
            (
                change.enabled.unwrap_or(registry.enabled),
                change.listen.unwrap_or_else(|| registry.listen.clone()),
            )
        };
        let wanted = if enabled {
            Some(listen_address(&listen).map_err(|source| self.refused(source))?)
        } else {
            None
        };

        let mut registry = lock(&self.inner.registry);
        if registry.stopped {
            return Err(ProxyError::Stopped(self.inner.name.clone()));
        }
        let moves = wanted.is_some_and(|wanted| !registry.listens_at(wanted));
        if let (true, Some(wanted)) = (moves, wanted) {
            let listener = self.bind_beside(&registry, wanted).map_err(|source| self.refused(source))?;
            registry.close_listeners();
            registry.address = Some(listener.address());
            registry.listen = listener.address().to_string();
            self.serve(&mut registry, listener);
        }
        if !enabled {
            registry.close_listeners();
            registry.listen = listen;
        }
        registry.enabled = enabled;
        let upstream = change.upstream.filter(|upstream| upstream != registry.upstream.as_str());
        let led_elsewhere = upstream.is_some();
        if let Some(upstream) = upstream {
            registry.upstream = Upstream::new(upstream);
        }
        if moves || led_elsewhere || !enabled {
            registry.close_connections();
        }
        Ok(())
    }

    /// Leads new connections to `upstream`; those that are open stay where they are.
    pub fn set_upstream(&self, upstream: SocketAddr) {
        lock(&self.inner.registry).upstream = upstream.into();
    }

    /// Listens at a free port of `ip` as well, for clients that cannot reach the first address. They meet the same
    /// toxics, and count the same. Ends when the route is disabled or moves.
    ///
    /// # Errors
    /// There is no such address here, or no free port, or the route is disabled.
    pub fn listen_also(&self, ip: IpAddr) -> Result<SocketAddr, ProxyError> {
        let mut registry = lock(&self.inner.registry);
        if registry.stopped || !registry.enabled {
            return Err(ProxyError::Stopped(self.inner.name.clone()));
        }
        let listener = self.bind((ip, 0).into()).map_err(|source| self.refused(source))?;
        let address = listener.address();
        self.serve(&mut registry, listener);
        Ok(address)
    }

    fn refused(&self, source: ListenError) -> ProxyError {
        ProxyError::Listen { route: self.inner.name.clone(), source }
    }

    fn bind(&self, address: SocketAddr) -> Result<Listener, ListenError> {
        Listener::bind(address, &self.inner.shared.runtime)
            .map_err(|source| ListenError::Bind { address: address.to_string(), source })
    }

    /// Binds `wanted` while the route still listens where it does; where the two overlap, only the later can listen.
    fn bind_beside(&self, registry: &Registry, wanted: SocketAddr) -> Result<Listener, ListenError> {
        let overlaps = |listener: &&Arc<Listener>| {
            wanted.port() != 0 && listener.address().port() == wanted.port() && listener.is_open()
        };
        let overlapping: Vec<_> = registry.listeners.iter().filter(overlaps).collect();
        for listener in &overlapping {
            listener.shut();
        }
        let bound = self.bind(wanted);
        if bound.is_err() {
            for listener in overlapping {
                if let Err(error) = listener.reopen() {
                    tracing::error!(route = self.inner.name, %error, "cannot listen again");
                }
            }
        }
        bound
    }

    /// Accepts from `listener` until it is stopped.
    fn serve(&self, registry: &mut Registry, listener: Listener) {
        if registry.is_shut() {
            listener.shut();
        }
        let listener = Arc::new(listener);
        registry.listeners.push(Arc::clone(&listener));
        {
            let mut doors = lock(&self.inner.doors);
            doors.retain(|door| door.strong_count() > 0);
            doors.push(Arc::downgrade(&listener));
        }
        self.inner.shared.runtime.spawn(accept(Arc::clone(&self.inner), listener).boxed());
    }

    /// What has passed, and what the toxics in force have done, up to now.
    #[must_use]
    pub fn counters(&self) -> RouteCounters {
        let registry = lock(&self.inner.registry);
        let toxics = registry.toxics.iter().map(ActiveToxic::counters).collect();
        let listening = registry.listeners.iter().any(|listener| listener.is_open());
        self.inner.tally.read(listening, toxics)
    }

    /// What was decided by chance so far.
    #[must_use]
    pub fn trace(&self) -> Trace {
        lock(&self.inner.registry).trace.clone()
    }

    /// Whether a connection to the route is refused just now. One that is not is closed at once, and counted like any
    /// other.
    pub async fn refuses(&self) -> bool {
        let Some(address) = self.address() else { return true };
        let attempt = tokio::time::timeout(REFUSED_WITHIN, TcpStream::connect(address)).await;
        matches!(attempt, Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused)
    }

    /// Closes its ports for good, and nothing else: the last resort where a change of the route does not come to its end.
    /// Waits for no other change.
    pub(crate) fn shut_out(&self) {
        // Not under the lock.
        let doors = lock(&self.inner.doors).clone();
        doors.iter().filter_map(Weak::upgrade).for_each(|listener| listener.stop());
    }

    /// Holds the route, as a change does that does not come to its end.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        lock(&self.inner.registry)
    }

    /// Closes the port and all connections, for good.
    pub(super) fn stop(&self) {
        let mut registry = lock(&self.inner.registry);
        registry.stopped = true;
        registry.enabled = false;
        registry.close_listeners();
        registry.close_connections();
    }
}

impl Registry {
    fn position(&self, toxic: &str) -> Option<usize> {
        self.toxics.iter().position(|active| active.name() == toxic)
    }

    /// The toxics that keep the route from listening.
    fn shutting(&self) -> impl Iterator<Item = usize> {
        let toxics = self.toxics.iter().enumerate();
        toxics.filter(|(_, toxic)| toxic.shuts_listener()).map(|(position, _)| position)
    }

    fn is_shut(&self) -> bool {
        self.shutting().next().is_some()
    }

    fn shut_if_told(&self) {
        if self.is_shut() {
            self.listeners.iter().for_each(|listener| listener.shut());
        }
    }

    /// Whether the first listener is where `wanted` is. A free port is never where it was.
    fn listens_at(&self, wanted: SocketAddr) -> bool {
        self.listeners.first().is_some_and(|listener| {
            let address = listener.address();
            // Without IPv6, any address is one of version 4.
            address == wanted
                || address.port() == wanted.port()
                    && address.ip().is_unspecified()
                    && wanted.ip().is_unspecified()
        })
    }

    fn close_listeners(&mut self) {
        self.listeners.drain(..).for_each(|listener| listener.stop());
    }

    fn close_connections(&self) {
        let until = clock::now() + PATIENCE;
        for connection in self.connections.values() {
            connection.close(until);
        }
    }
}

/// Accepts connections until the listener is stopped.
async fn accept(route: Arc<Inner>, listener: Arc<Listener>) {
    let mut trouble = Trouble::default();
    while let Some(accepted) = poll_fn(|cx| listener.poll_accept(cx)).await {
        match accepted {
            Accepted::Client(client) => admit(&route, client),
            Accepted::Refused(error) => {
                tracing::warn!(route = route.name, %error, "no file descriptor left: a new connection is reset");
            }
            Accepted::Failed(error) => {
                trouble.goes_on(&route.name, &error).await;
                continue;
            }
        }
        trouble.is_over();
    }
}

/// Lets a new connection meet the toxics in force, and gives it a task of its own: a slow dial holds up no other.
fn admit(route: &Arc<Inner>, client: TcpStream) {
    let mut registry = lock(&route.registry);
    if registry.stopped || !registry.enabled {
        return;
    }
    let number = registry.next_connection;
    registry.next_connection += 1;
    let now = clock::now();
    let connection = Arc::new(Connection::new(number, client, &route.shared, Arc::clone(&route.tally), now));
    let Registry { toxics, trace, connections, upstream, .. } = &mut *registry;
    for toxic in toxics {
        connection.meet(toxic, Meeting::New, trace, now, now + PATIENCE);
    }
    connections.insert(number, Arc::clone(&connection));
    let upstream = upstream.clone();
    drop(registry);

    let route = Arc::clone(route);
    tokio::spawn(async move {
        connection.run(upstream).await;
        lock(&route.registry).connections.remove(&number);
    });
}
