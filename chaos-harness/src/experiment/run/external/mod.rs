//! Routes through a Toxiproxy server that runs beside this process.
//!
//! Only proxies that this trial made are ever touched: each is in the undo log before it is made, and is deleted at the
//! end.

mod traffic;

use super::effect::{self, ToxicRoute};
use super::injector::toxic_of;
use super::routes::ToxicRoutes;
use super::traffic::Passed;
use crate::BoxError;
use crate::blast_radius::Reach;
use crate::causes::causes;
use crate::experiment::Plan;
use crate::proxy::{ToxicCounters, ToxicSpec};
use crate::safety::{Attempt, Rung, UndoAction, UndoId, UndoLog, Undone, climb};
use crate::system::Routes;
#[cfg(feature = "docker")]
use crate::toxiproxy::ServerContainer;
use crate::toxiproxy::{CallError, Server, ServerError, Source, Wire, client, connections_at, wire};
use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use traffic::Traffic;

/// How long a connection within this machine may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// How long a server may take for what takes it several calls, each with a limit of its own.
const CALLS_WITHIN: Duration = Duration::from_secs(10);

/// How long the removal of the server's container may take.
const REMOVED_WITHIN: Duration = Duration::from_secs(20);

/// How a toxic is taken off a route.
#[derive(Debug, Clone, Copy)]
enum Way {
    RemoveToxic,
    DeleteProxies,
    RemoveServer,
}

/// 40 s in all; a server that is not this trial's own is never removed.
const LADDER: [Rung<Way>; 3] = [
    Rung { way: Way::RemoveToxic, within: CALLS_WITHIN },
    Rung { way: Way::DeleteProxies, within: CALLS_WITHIN },
    Rung { way: Way::RemoveServer, within: REMOVED_WITHIN },
];

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RemoveToxic => "remove the toxic",
            Self::DeleteProxies => "delete its proxy",
            Self::RemoveServer => "remove the Toxiproxy's container",
        })
    }
}

/// Routes through an external Toxiproxy, by the labels of the instances that they lead to.
pub(super) struct ExternalRoutes {
    server: Server,
    /// What the names of this trial's proxies begin with, and those of no other.
    prefix: String,
    undo: UndoLog,
    routes: Mutex<BTreeMap<String, ExternalRoute>>,
    /// The server, where it is this trial's own.
    #[cfg(feature = "docker")]
    container: Mutex<Option<ServerContainer>>,
}

/// One route: a proxy for this machine, and one for containers where they need it. Their toxics are the same.
struct ExternalRoute {
    upstream: SocketAddr,
    proxies: Vec<OwnProxy>,
    applied: BTreeMap<String, Applied>,
}

/// A proxy that this trial made.
struct OwnProxy {
    name: String,
    address: SocketAddr,
    record: UndoId,
    /// The connection that was made to see whether it can be reached: it is not the workload's.
    tried_from: String,
}

/// A toxic, and what the route had been used for when it was added.
#[derive(Clone)]
struct Applied {
    disables: bool,
    before: Traffic,
}

impl ExternalRoutes {
    /// Refuses a plan that the server could not carry out, before anything is started, and finds the server.
    #[cfg_attr(
        not(feature = "docker"),
        expect(unused_variables, reason = "only a container carries the run")
    )]
    pub(super) async fn open(
        source: &Source,
        plan: &Plan,
        run: &str,
        tag: &str,
        undo: &UndoLog,
    ) -> Result<Self, BoxError> {
        for injection in plan.injections.iter().filter(|_| plan.inject) {
            if let Some(spec) = toxic_of(injection, "") {
                wire(&spec).map_err(|why| format!("{} cannot be injected: {why}", injection.fault))?;
            }
        }
        #[cfg(feature = "docker")]
        let mut container = None;
        let address = match source {
            Source::Running(address) => *address,
            #[cfg(feature = "docker")]
            Source::Container { image } => {
                let started = ServerContainer::start(image, run, tag, undo).await?;
                container.insert(started).address()
            }
        };
        let server = Server::connect(address).await?;
        // A slash would end the name in the address of a call.
        let prefix = format!("chaos-{}", tag.replace('/', "."));
        Ok(Self {
            server,
            prefix,
            undo: undo.clone(),
            routes: Mutex::default(),
            #[cfg(feature = "docker")]
            container: Mutex::new(container),
        })
    }

    /// Makes a proxy that is this trial's own.
    async fn make(&self, name: String, ip: IpAddr, upstream: SocketAddr) -> Result<OwnProxy, BoxError> {
        let server = self.server.address();
        if self.server.has(&name).await? {
            return Err(ServerError::Taken { server, name }.into());
        }
        let record = self.undo.record(UndoAction::DeleteProxy { server, name: name.clone() })?;
        let address = match self.server.create(&name, ip, upstream).await {
            Ok(address) => address,
            Err(error) => {
                // What was plainly refused was not made: what is there by this name now is someone else's.
                if matches!(error, ServerError::Taken { .. } | ServerError::Call(CallError::Refused { .. })) {
                    self.undo.done(record)?;
                }
                return Err(error.into());
            }
        };
        self.undo.applied(record)?;
        let mut proxy = OwnProxy { name, address, record, tried_from: String::new() };
        match reach(address).await {
            Ok(from) => proxy.tried_from = client(from),
            Err(error) => {
                self.delete(&proxy).await?;
                return Err(Unreached { server, address, error }.into());
            }
        }
        Ok(proxy)
    }

    async fn delete(&self, proxy: &OwnProxy) -> Result<(), BoxError> {
        self.server.delete(&proxy.name).await?;
        Ok(self.undo.done(proxy.record)?)
    }

    async fn take_off(&self, label: &str, toxic: &str) -> Result<(), BoxError> {
        let mut routes = self.routes.lock().await;
        let route = routes.get_mut(label).ok_or_else(|| NoRoute(label.to_owned()))?;
        let Some(Applied { disables, .. }) = route.applied.get(toxic) else { return Ok(()) };
        let others = route.applied.iter().filter(|(name, other)| *name != toxic && other.disables).count();
        for proxy in &route.proxies {
            match disables {
                false => self.server.remove(&proxy.name, toxic).await?,
                true if others == 0 => self.server.switch(&proxy.name, true).await?,
                true => {}
            }
        }
        route.applied.remove(toxic);
        Ok(())
    }

    /// Deletes the proxies of a route, side by side, and their listeners and connections with them.
    async fn drop_route(&self, label: &str) -> Result<(), BoxError> {
        let mut routes = self.routes.lock().await;
        let route = routes.get_mut(label).ok_or_else(|| NoRoute(label.to_owned()))?;
        let mut deleted = join_all(route.proxies.iter().map(|proxy| self.delete(proxy))).await.into_iter();
        let mut failure = Ok(());
        route.proxies.retain(|_| match deleted.next() {
            Some(Err(error)) => {
                failure = Err(error);
                true
            }
            _ => false,
        });
        failure
    }

    /// Ends the server and all of its proxies, where it is this trial's own.
    #[cfg(feature = "docker")]
    async fn remove_server(&self) -> Result<(), BoxError> {
        let mut container = self.container.lock().await;
        match &*container {
            Some(server) => server.remove().await?,
            None => return Err(NotOurs(self.server.address()).into()),
        }
        *container = None;
        Ok(())
    }

    #[cfg(not(feature = "docker"))]
    #[expect(clippy::unused_async, reason = "with containers there is something to wait for")]
    async fn remove_server(&self) -> Result<(), BoxError> {
        Err(NotOurs(self.server.address()).into())
    }

    /// The toxic's counters on a route, where the server of all of its proxies counts.
    async fn counters(&self, route: &ExternalRoute, toxic: &str) -> Result<Option<ToxicCounters>, BoxError> {
        let mut sum: Option<ToxicCounters> = None;
        for proxy in &route.proxies {
            let Some(counters) = self.server.counters(&proxy.name, toxic).await? else { return Ok(None) };
            let counters: ToxicCounters = serde_json::from_value(counters)?;
            sum = Some(match sum {
                None => counters,
                Some(sum) => add(sum, &counters),
            });
        }
        Ok(sum)
    }

    /// Whether the toxic is there, on each proxy of the route.
    async fn confirm(&self, label: &str, route: &ExternalRoute, toxic: &str) -> Result<Applied, BoxError> {
        let applied = route.applied.get(toxic).ok_or_else(|| format!("`{label}` was not given the toxic"))?;
        for proxy in &route.proxies {
            if !applied.disables {
                if !self.server.has_toxic(&proxy.name, toxic).await? {
                    return Err("the server has lost the toxic".into());
                }
            } else if self.server.is_on(&proxy.name).await? {
                return Err("the server has switched the proxy on again".into());
            } else if !refuses(proxy.address).await {
                return Err(format!("connections to {} are not refused", proxy.address).into());
            }
        }
        Ok(applied.clone())
    }

    async fn traffic(&self, route: &ExternalRoute) -> Traffic {
        let mut traffic = Traffic::default();
        for proxy in &route.proxies {
            if let Some(mut connections) = connections_at(proxy.address.port()) {
                connections.remove(&proxy.tried_from);
                traffic.connections.get_or_insert_default().extend(connections);
            }
            if let Some(bytes) = self.server.bytes(&proxy.name).await {
                *traffic.bytes.get_or_insert_default() += bytes;
            }
        }
        traffic
    }
}

#[async_trait]
impl Routes for ExternalRoutes {
    async fn open(&self, name: &str, upstream: SocketAddr) -> io::Result<SocketAddr> {
        let proxy = self.make(format!("{}-{name}", self.prefix), Ipv4Addr::LOCALHOST.into(), upstream);
        let proxy = proxy.await.map_err(io::Error::other)?;
        let address = proxy.address;
        let route = ExternalRoute { upstream, proxies: vec![proxy], applied: BTreeMap::new() };
        self.routes.lock().await.insert(name.to_owned(), route);
        Ok(address)
    }

    async fn open_for_containers(&self, name: &str, ip: IpAddr) -> io::Result<SocketAddr> {
        let mut routes = self.routes.lock().await;
        let route = routes.get_mut(name).ok_or_else(|| io::Error::other(NoRoute(name.to_owned())))?;
        let proxy = format!("{}-{name}-for-containers", self.prefix);
        let proxy = self.make(proxy, ip, route.upstream).await.map_err(io::Error::other)?;
        let address = proxy.address;
        route.proxies.push(proxy);
        Ok(address)
    }

    async fn repoint(&self, name: &str, upstream: SocketAddr) -> io::Result<()> {
        let mut routes = self.routes.lock().await;
        let route = routes.get_mut(name).ok_or_else(|| io::Error::other(NoRoute(name.to_owned())))?;
        for proxy in &route.proxies {
            self.server.set_upstream(&proxy.name, upstream).await.map_err(io::Error::other)?;
        }
        route.upstream = upstream;
        Ok(())
    }
}

#[async_trait]
impl ToxicRoutes for ExternalRoutes {
    async fn add(&self, label: &str, spec: ToxicSpec) -> Result<(), BoxError> {
        let wire = wire(&spec)?;
        let mut routes = self.routes.lock().await;
        let route = routes.get_mut(label).ok_or_else(|| NoRoute(label.to_owned()))?;
        let before = self.traffic(route).await;
        // Known before it is done, so that what is done half-way is undone.
        route.applied.insert(spec.name.clone(), Applied { disables: wire == Wire::Disabled, before });
        for proxy in &route.proxies {
            match &wire {
                Wire::Toxic(body) => self.server.add(&proxy.name, &spec.name, body).await?,
                Wire::Disabled => self.server.switch(&proxy.name, false).await?,
            }
        }
        Ok(())
    }

    async fn remove(&self, label: &str, toxic: &str) -> Result<Undone, BoxError> {
        let what = format!("the route to {label}");
        let undone = climb(&what, &LADDER, |way| {
            async move {
                match way {
                    Way::RemoveToxic => self.take_off(label, toxic).await,
                    Way::DeleteProxies => self.drop_route(label).await,
                    Way::RemoveServer => self.remove_server().await,
                }
            }
            .boxed()
        });
        Ok(undone.await?)
    }

    async fn effect(&self, reach: &Reach, labels: &[&str], toxic: &str) -> Result<String, BoxError> {
        let routes = self.routes.lock().await;
        let server = self.server.address();
        let mut counted = Vec::new();
        let (mut used, mut connections, mut bytes, mut disables) = (0, 0, 0.0, false);
        for label in labels {
            let route = routes.get(*label).ok_or_else(|| NoRoute((*label).to_owned()))?;
            let applied = self.confirm(label, route, toxic).await?;
            disables = applied.disables;
            if !disables {
                counted.extend(self.counters(route, toxic).await?.map(ToxicRoute::counted));
            }
            let (connections_here, bytes_here) = if disables {
                (applied.before.connections(), applied.before.bytes.unwrap_or_default())
            } else {
                let now = self.traffic(route).await;
                (now.connections_since(&applied.before), now.bytes_since(&applied.before))
            };
            used += usize::from(connections_here > 0 || bytes_here > 0.0);
            connections += connections_here;
            bytes += bytes_here;
        }
        if !counted.is_empty() && counted.len() == labels.len() {
            return Ok(format!("{}, by the counters of {server}", effect::of_toxic(reach, &counted)?));
        }
        if used == 0 {
            return Err("the server has it, but no connection of the workload was seen: is the service used by this \
                        operation? (an external Toxiproxy tells little; with -proxy-metrics it tells of bytes)"
                .into());
        }
        effect::most_are_used(reach, used)?;
        let bytes = if bytes > 0.0 { format!(" and {bytes:.0} bytes") } else { String::new() };
        Ok(if disables {
            format!(
                "nothing listens, as {server} was told; {connections} connections{bytes} were seen before"
            )
        } else {
            format!(
                "{server} has it on {} of {0} routes; {connections} connections{bytes} were seen there under it; what it \
                 did to them the server does not tell",
                labels.len()
            )
        })
    }

    async fn passed(&self, label: &str, toxic: &str) -> Passed {
        let routes = self.routes.lock().await;
        let Some(route) = routes.get(label) else { return Passed::default() };
        // A server that cannot tell leaves unknown how much was reached, and nothing else.
        let toxic = self.counters(route, toxic).await.unwrap_or_default();
        Passed { route: None, toxic }
    }

    async fn close(&self) -> Vec<Attempt> {
        let mut failures = Vec::new();
        // Its own server goes first, and all proxies with it: none needs an answer of its own then.
        #[cfg(feature = "docker")]
        if self.container.lock().await.is_some()
            && let Err(error) = self.remove_server().await
        {
            failures.push(failed("remove the Toxiproxy's container".to_owned(), &*error));
        }
        let routes = std::mem::take(&mut *self.routes.lock().await);
        let proxies = routes.into_values().flat_map(|route| route.proxies);
        let deleted = join_all(proxies.map(|proxy| async move {
            let deleted = self.delete(&proxy).await;
            deleted.err().map(|error| failed(format!("delete the proxy {}", proxy.name), &*error))
        }));
        failures.extend(deleted.await.into_iter().flatten());
        failures
    }
}

fn failed(way: String, error: &(dyn std::error::Error + 'static)) -> Attempt {
    Attempt { way, why: causes(error) }
}

/// The counters of a toxic that is on two proxies of one route.
fn add(mut sum: ToxicCounters, other: &ToxicCounters) -> ToxicCounters {
    sum.considered += other.considered;
    sum.touched += other.touched;
    sum.carried += other.carried;
    sum.touched_carried += other.touched_carried;
    sum.requests += other.requests;
    sum.touched_requests += other.touched_requests;
    sum.bytes += other.bytes;
    sum.touched_bytes += other.touched_bytes;
    sum.closed += other.closed;
    sum.opened_before += other.opened_before;
    sum
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the proxy that the Toxiproxy at {server} made cannot be reached at {address} ({error}): is the server in a container \
     that is not on this machine's own network?"
)]
struct Unreached {
    server: SocketAddr,
    address: SocketAddr,
    error: io::Error,
}

#[derive(Debug, thiserror::Error)]
#[error("the Toxiproxy at {0} was not started by this trial, which does not end it")]
struct NotOurs(SocketAddr);

#[derive(Debug, thiserror::Error)]
#[error("there is no route `{0}`")]
struct NoRoute(String);

/// Connects, and tells from where.
async fn reach(address: SocketAddr) -> io::Result<SocketAddr> {
    timeout(CONNECT_WITHIN, TcpStream::connect(address)).await??.local_addr()
}

async fn refuses(address: SocketAddr) -> bool {
    reach(address).await.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
