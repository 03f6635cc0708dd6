//! Where the service finds its dependencies.

use std::net::SocketAddr;

use crate::Variant;

/// What a [`Shop`](crate::Shop) is made of.
///
/// Redis and PostgreSQL may be left out: the cart is then the one in the request, and no order is stored.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// How the service treats its dependencies.
    pub variant: Variant,
    /// The replicas of the inventory service: at least one.
    pub inventory: Vec<SocketAddr>,
    /// Where carts are kept.
    pub redis: Option<SocketAddr>,
    /// Where orders are stored.
    pub postgres: Option<PostgresConfig>,
}

/// A PostgreSQL server and the account to use there.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// The server's address.
    pub addr: SocketAddr,
    /// The role to log in as.
    pub user: String,
    /// The role's password, where the server asks for one.
    pub password: Option<String>,
    /// The database that holds the orders.
    pub database: String,
}

impl PostgresConfig {
    /// The account `postgres` with the password `postgres` and the database `postgres`.
    #[must_use]
    pub fn at(addr: SocketAddr) -> Self {
        let name = || "postgres".to_owned();
        Self { addr, user: name(), password: Some(name()), database: name() }
    }
}
