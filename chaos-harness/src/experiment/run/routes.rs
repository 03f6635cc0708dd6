//! The routes of one trial: what the services' addresses are, and where toxics go.

use crate::proxy::{Proxy, Route};
use crate::system::Routes;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// Routes through the embedded proxy, by the labels of the instances that they lead to.
pub(super) struct ProxyRoutes {
    proxy: Proxy,
    routes: Mutex<BTreeMap<String, Route>>,
}

impl ProxyRoutes {
    pub(super) fn new(proxy: Proxy) -> Self {
        Self { proxy, routes: Mutex::new(BTreeMap::new()) }
    }

    /// The route to the instance of this label.
    pub(super) fn route(&self, label: &str) -> Option<Route> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).get(label).cloned()
    }
}

impl Routes for ProxyRoutes {
    fn open(&self, name: &str, upstream: SocketAddr) -> io::Result<SocketAddr> {
        let route = self.proxy.route(name, upstream).map_err(io::Error::other)?;
        let address = route.address();
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), route);
        Ok(address)
    }

    fn repoint(&self, name: &str, upstream: SocketAddr) {
        if let Some(route) = self.route(name) {
            route.set_upstream(upstream);
        }
    }
}
