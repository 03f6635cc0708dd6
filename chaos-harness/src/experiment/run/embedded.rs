//! Routes through the proxy of this process.

use super::effect::{self, ToxicRoute};
use super::routes::ToxicRoutes;
use crate::BoxError;
use crate::blast_radius::Reach;
use crate::proxy::{Proxy, Route, ToxicSpec};
use crate::system::Routes;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

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

    async fn remove(&self, label: &str, toxic: &str) -> Result<(), BoxError> {
        let route = self.route(label)?;
        if route.toxic(toxic).is_some() {
            drop(route.remove(toxic)?);
        }
        Ok(())
    }

    async fn effect(&self, reach: &Reach, labels: &[&str], toxic: &str) -> Result<String, BoxError> {
        let mut routes = Vec::new();
        for label in labels {
            let found = ToxicRoute::look(&self.route(label)?, toxic).await;
            routes.push(found.ok_or("the proxy has lost the toxic")?);
        }
        Ok(effect::of_toxic(reach, &routes)?)
    }

    async fn close(&self) -> Vec<String> {
        Vec::new()
    }
}
