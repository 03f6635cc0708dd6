//! The service that trusts its dependencies.
//!
//! Connections are opened once and shared in turn. There is no time limit, no second attempt, no second source:
//! what happens to a dependency happens to the customer.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use deadpool_redis::redis::{self, AsyncConnectionConfig, aio::MultiplexedConnection};
use futures::future::try_join_all;
use tokio_postgres::{Client, NoTls};

use crate::{
    carts,
    config::{Config, PostgresConfig},
    domain::{Cart, CartSource, DependencyError, Order, Stock},
    orders,
    service::Dependencies,
    stock::StockClient,
};

pub(crate) struct Fragile {
    stock: StockClient,
    inventory: InTurn<SocketAddr>,
    redis: Option<InTurn<MultiplexedConnection>>,
    postgres: Option<InTurn<Client>>,
}

impl Fragile {
    pub(crate) async fn connect(config: &Config) -> Result<Self, DependencyError> {
        Ok(Self {
            stock: StockClient::connect(&config.inventory).await,
            inventory: InTurn::new(config.inventory.clone()),
            redis: match config.redis {
                Some(addr) => Some(InTurn::new(connect_redis(addr).await?)),
                None => None,
            },
            postgres: match &config.postgres {
                Some(postgres) => Some(InTurn::new(connect_postgres(postgres).await?)),
                None => None,
            },
        })
    }
}

impl Dependencies for Fragile {
    const DEADLINE: Option<Duration> = None;

    async fn cart(&self, customer: u32, last_seen: Cart) -> Result<(Cart, CartSource), DependencyError> {
        let Some(redis) = &self.redis else { return Ok((last_seen, CartSource::Current)) };
        let stored = carts::load(&mut redis.next().clone(), customer).await?;
        Ok((stored.unwrap_or(last_seen), CartSource::Current))
    }

    async fn stock(&self, sku: &str) -> Result<Stock, DependencyError> {
        self.stock.get(*self.inventory.next(), sku).await
    }

    async fn store(&self, order: &Order) -> Result<(), DependencyError> {
        let Some(postgres) = &self.postgres else { return Ok(()) };
        Ok(orders::insert(postgres.next(), order).await?)
    }
}

async fn connect_redis(addr: SocketAddr) -> Result<Vec<MultiplexedConnection>, DependencyError> {
    let client = redis::Client::open(format!("redis://{addr}"))?;
    // The crate's own defaults are half a second and a second: more care than this variant takes.
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    let mut connections = try_join_all(
        (0..carts::CONNECTIONS).map(|_| client.get_multiplexed_async_connection_with_config(&config)),
    )
    .await?;
    if let Some(first) = connections.first_mut() {
        carts::seed(first).await?;
    }
    Ok(connections)
}

async fn connect_postgres(config: &PostgresConfig) -> Result<Vec<Client>, DependencyError> {
    let target = orders::connection_config(config);
    let clients = try_join_all((0..orders::CONNECTIONS).map(async |_| {
        let (client, connection) = target.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok::<_, DependencyError>(client)
    }))
    .await?;
    if let Some(first) = clients.first() {
        orders::create_schema(first).await?;
    }
    Ok(clients)
}

/// Items that take turns, whatever their state.
#[derive(Debug)]
struct InTurn<T> {
    items: Vec<T>,
    turn: AtomicUsize,
}

impl<T> InTurn<T> {
    fn new(items: Vec<T>) -> Self {
        Self { items, turn: AtomicUsize::new(0) }
    }

    fn next(&self) -> &T {
        &self.items[self.turn.fetch_add(1, Ordering::Relaxed) % self.items.len()]
    }
}
