//! Routes through the proxy of this process.

use super::effect::{self, ToxicRoute};
use super::routes::ToxicRoutes;
use super::traffic::Passed;
use crate::BoxError;
use crate::blast_radius::Reach;
use crate::proxy::{Proxy, ProxyError, Route, Table, ToxicSpec};
use crate::safety::{Attempt, Rung, Undone, climb};
use crate::system::Routes;
use async_trait::async_trait;
use futures::FutureExt as _;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a change of a route may take: it takes microseconds.
const CHANGED_WITHIN: Duration = Duration::from_secs(2);

/// How a toxic is taken off a route.
#[derive(Debug, Clone, Copy)]
enum Way {
    RemoveToxic,
    CloseRoute,
    CloseListeners,
}

/// 6 s in all.
const LADDER: [Rung<Way>; 3] = [
    Rung { way: Way::RemoveToxic, within: CHANGED_WITHIN },
    Rung { way: Way::CloseRoute, within: CHANGED_WITHIN },
    Rung { way: Way::CloseListeners, within: CHANGED_WITHIN },
];

impl Way {
    fn go(self, route: &Route, table: &Table, toxic: &str) -> Result<(), ProxyError> {
        match self {
            Self::RemoveToxic => match route.remove(toxic) {
                // It was refused, and never was there.
                Ok(_) | Err(ProxyError::NoSuchToxic { .. }) => Ok(()),
                Err(error) => Err(error),
            },
            Self::CloseRoute => table.close(route.name()),
            Self::CloseListeners => {
                route.shut_out();
                Ok(())
            }
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RemoveToxic => "remove the toxic",
            Self::CloseRoute => "close it, with its connections",
            Self::CloseListeners => "close its listeners",
        })
    }
}

/// Routes through the embedded proxy, by the labels of the instances that they lead to.
pub(super) struct EmbeddedRoutes {
    proxy: Proxy,
    routes: Mutex<BTreeMap<String, Route>>,
}

impl EmbeddedRoutes {
    pub(super) fn new(proxy: Proxy) -> Self {
        Self { proxy, routes: Mutex::new(BTreeMap::new()) }
    }

    fn route(&self, label: &str) -> io::Result<Route> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get(label).cloned().ok_or_else(|| io::Error::other(format!("there is no route `{label}`")))
    }
}

#[async_trait]
impl Routes for EmbeddedRoutes {
    async fn open(&self, name: &str, upstream: SocketAddr) -> io::Result<SocketAddr> {
        let route = self.proxy.route(name, upstream).map_err(io::Error::other)?;
        let address = route.address().ok_or_else(|| io::Error::other("the route does not listen"))?;
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), route);
        Ok(address)
    }

    async fn open_for_containers(&self, name: &str, ip: IpAddr) -> io::Result<SocketAddr> {
        self.route(name)?.listen_also(ip).map_err(io::Error::other)
    }

    async fn repoint(&self, name: &str, upstream: SocketAddr) -> io::Result<()> {
        self.route(name)?.set_upstream(upstream);
        Ok(())
    }
}

#[async_trait]
impl ToxicRoutes for EmbeddedRoutes {
    async fn add(&self, label: &str, spec: ToxicSpec) -> Result<(), BoxError> {
        Ok(self.route(label)?.add(spec)?)
    }

    async fn remove(&self, label: &str, toxic: &str) -> Result<Undone, BoxError> {
        let route = self.route(label)?;
        let what = format!("the route to {label}");
        let undone = climb(&what, &LADDER, |way| {
            let (route, table, toxic) = (route.clone(), self.proxy.table().clone(), toxic.to_owned());
            // On a thread that may be held up: a route is changed under a lock.
            let work = tokio::task::spawn_blocking(move || way.go(&route, &table, &toxic));
            async move { Ok(work.await??) }.boxed()
        });
        Ok(undone.await?)
    }

    async fn effect(&self, reach: &Reach, labels: &[&str], toxic: &str) -> Result<String, BoxError> {
        let mut routes = Vec::new();
        for label in labels {
            let found = ToxicRoute::look(&self.route(label)?, toxic).await;
            routes.push(found.ok_or("the proxy has lost the toxic")?);
        }
        Ok(effect::of_toxic(reach, &routes)?)
    }

    async fn passed(&self, label: &str, toxic: &str) -> Passed {
        let Ok(route) = self.route(label) else { return Passed::default() };
        let counters = route.counters();
        let toxic = counters.toxics.iter().find(|counters| counters.name == toxic).cloned();
        Passed { toxic, route: Some(counters) }
    }

    async fn close(&self) -> Vec<Attempt> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::proxy::{Stream, Toxic};
    use socket2::{Domain, Socket, Type};
    use std::net::{TcpListener, TcpStream};

    async fn route(routes: &EmbeddedRoutes, toxic: Toxic) -> (SocketAddr, TcpListener) {
        let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = routes.open("shop", upstream.local_addr().unwrap()).await.unwrap();
        routes.add("shop", ToxicSpec::new("t", toxic, Stream::Downstream)).await.unwrap();
        (address, upstream)
    }

    fn forced(undone: Undone) -> (String, Vec<String>) {
        match undone {
            Undone::ByForce(forced) => {
                (forced.instead, forced.tried.into_iter().map(|attempt| attempt.way).collect())
            }
            Undone::AsMeant => panic!("it was undone as it was meant to be"),
        }
    }

    #[tokio::test]
    async fn a_toxic_is_removed_as_it_is_meant_to_be() {
        let routes = EmbeddedRoutes::new(Proxy::start(Seed::new(1)).unwrap());
        let (address, _upstream) = route(&routes, Toxic::Down).await;
        assert!(TcpStream::connect(address).is_err());
        for _ in 0..2 {
            assert_eq!(routes.remove("shop", "t").await.unwrap(), Undone::AsMeant);
            assert!(TcpStream::connect(address).is_ok());
        }
    }

    /// The port of a route that is down can be taken by someone else: then it cannot listen there again.
    #[tokio::test]
    async fn a_route_whose_toxic_stays_is_closed() {
        let routes = EmbeddedRoutes::new(Proxy::start(Seed::new(1)).unwrap());
        let (address, _upstream) = route(&routes, Toxic::Down).await;
        let thief = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        thief.set_reuse_address(true).unwrap();
        thief.bind(&address.into()).unwrap();
        thief.listen(1).unwrap();

        let (instead, tried) = forced(routes.remove("shop", "t").await.unwrap());
        assert_eq!(
            (&*instead, tried),
            ("close it, with its connections", vec!["remove the toxic".to_owned()])
        );
        assert!(routes.proxy.table().get("shop").is_none());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_route_that_is_stuck_in_a_change_listens_no_more() {
        let routes = EmbeddedRoutes::new(Proxy::start(Seed::new(1)).unwrap());
        let slow = Toxic::Latency { delay: Duration::from_millis(1), jitter: Duration::ZERO };
        let (address, _upstream) = route(&routes, slow).await;
        let stuck = routes.route("shop").unwrap();
        let (tell, is_held) = std::sync::mpsc::channel();
        let (let_go, waits) = std::sync::mpsc::channel::<()>();
        let holder = std::thread::spawn(move || {
            let _held = stuck.hold();
            tell.send(()).unwrap();
            let _ = waits.recv();
        });
        is_held.recv().unwrap();
        assert!(TcpStream::connect(address).is_ok());

        let (instead, tried) = forced(routes.remove("shop", "t").await.unwrap());
        assert_eq!((&*instead, tried.len()), ("close its listeners", 2));
        assert!(TcpStream::connect(address).is_err());
        drop(let_go);
        holder.join().unwrap();
    }
}
