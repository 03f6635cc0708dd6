//! What user code is given: the addresses of routes.

use super::ServiceName;
use std::fmt;
use std::net::SocketAddr;

/// One service as user code sees it: the addresses of the routes to its instances.
///
/// Only these addresses are stable: behind them, a restarted container may listen on another port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    name: ServiceName,
    addresses: Vec<SocketAddr>,
}

impl Service {
    /// A service reached at these addresses. There is at least one.
    pub(crate) fn new(
        name: ServiceName,
        first: SocketAddr,
        rest: impl IntoIterator<Item = SocketAddr>,
    ) -> Self {
        let mut addresses = vec![first];
        addresses.extend(rest);
        Self { name, addresses }
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    /// The address of the route to its first instance.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The addresses of the routes to all of its instances.
    #[must_use]
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl fmt::Display for Service {
    /// The address of the first route, as `host:port`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr().fmt(f)
    }
}

/// All services of a running system, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services(Vec<Service>);

/// A service that the system does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the system has no service `{asked}`; it has {known}")]
pub struct UnknownService {
    asked: ServiceName,
    known: String,
}

impl Services {
    pub(crate) fn new(services: Vec<Service>) -> Self {
        Self(services)
    }

    /// The service of this name.
    pub fn get(&self, name: impl Into<ServiceName>) -> Result<Service, UnknownService> {
        let asked = name.into();
        self.0.iter().find(|service| service.name == asked).cloned().ok_or_else(|| {
            let names: Vec<_> = self.0.iter().map(|service| format!("`{}`", service.name)).collect();
            UnknownService {
                asked,
                known: if names.is_empty() { "none".to_owned() } else { names.join(", ") },
            }
        })
    }

    /// All of them, in the order in which they were declared.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.0.iter()
    }
}
