//! What the shop talks about.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

/// What a customer is about to buy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cart {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
}

/// What the customer's browser sends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CheckoutRequest {
    /// Chosen by the client, so that the same order sent twice is stored once.
    pub(crate) order: i64,
    pub(crate) customer: u32,
    /// The cart as the browser last saw it.
    pub(crate) cart: Cart,
}

/// What inventory answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Stock {
    pub(crate) available: u32,
}

/// A line of the order table.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) customer: u32,
    pub(crate) cart: Cart,
}

/// The service's answer to an order that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The order's number.
    pub order: i64,
    /// What was ordered.
    pub sku: String,
    /// How many of it were in stock.
    pub available: u32,
    /// Whether the cart store could not be read, so that the cart is the one the browser last saw.
    pub degraded: bool,
}

/// What a cart was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CartSource {
    /// The cart store, or the request where the store holds no cart or there is no store.
    Current,
    /// The request, because the store did not answer.
    Fallback,
}

/// A dependency let the service down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DependencyError {
    #[error("inventory replica {replica}")]
    Inventory { replica: SocketAddr, source: crate::http::Error },
    #[error("redis")]
    Redis(#[from] deadpool_redis::redis::RedisError),
    #[error("redis")]
    RedisPool(#[from] deadpool_redis::PoolError),
    #[error("redis is left alone until it has had time to recover")]
    RedisOpen,
    #[error("postgres")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("postgres")]
    PostgresPool(#[from] deadpool_postgres::PoolError),
    #[error("the connection pool cannot be built")]
    Build(#[from] deadpool_redis::BuildError),
    #[error("{dependency} gave no answer within {limit:?}")]
    TimedOut { dependency: &'static str, limit: Duration },
}
