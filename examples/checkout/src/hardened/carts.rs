//! Redis may be slow or gone: an order does not wait for it.
#![expect(clippy::disallowed_methods, reason = "an application reads its own clock")]

use std::{net::SocketAddr, time::Duration};

use deadpool_redis::{Connection, Manager, Pool, Runtime, redis::RedisError};
use futures::future::try_join_all;
use tokio::time::{Instant, timeout_at};

use super::{
    backoff::Backoff,
    breaker::{Breaker, Policy},
};
use crate::{
    carts,
    domain::{Cart, DependencyError},
};

const LIMIT: Duration = Duration::from_millis(60);
/// Some failures in a row: with a single one, slow connections among good ones would shut off Redis.
const OUTAGE: Policy = Policy {
    failures: 5,
    cooling: Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(2) },
    probe_limit: LIMIT,
};

pub(super) struct Carts {
    pool: Pool,
    breaker: Breaker,
}

impl Carts {
    pub(super) async fn connect(addr: SocketAddr) -> Result<Self, DependencyError> {
        let manager = Manager::new(format!("redis://{addr}"))?;
        let pool = Pool::builder(manager).max_size(carts::CONNECTIONS).runtime(Runtime::Tokio1).build()?;
        // All connections are opened before the first order. The pool hands them out in turn.
        let mut connections = try_join_all((0..carts::CONNECTIONS).map(|_| pool.get())).await?;
        if let Some(first) = connections.first_mut() {
            carts::seed(first).await?;
        }
        drop(connections);
        Ok(Self { pool, breaker: Breaker::new(OUTAGE) })
    }

    pub(super) async fn load(&self, customer: u32) -> Result<Option<Cart>, DependencyError> {
        if !self.breaker.admits(Instant::now().into_std()) {
            return Err(DependencyError::RedisOpen);
        }
        let outcome = self.load_in_time(customer).await;
        match &outcome {
            Ok(_) => self.breaker.succeeded(),
            Err(_) => self.breaker.failed(Instant::now().into_std()),
        }
        outcome
    }

    async fn load_in_time(&self, customer: u32) -> Result<Option<Cart>, DependencyError> {
        const LATE: DependencyError = DependencyError::TimedOut { dependency: "redis", limit: LIMIT };
        let deadline = Instant::now() + LIMIT;
        let mut connection = timeout_at(deadline, self.pool.get()).await.map_err(|_| LATE)??;
        match timeout_at(deadline, carts::load(&mut connection, customer)).await {
            Ok(Ok(cart)) => Ok(cart),
            failed => {
                // The pool opens a new connection when it needs one: the next order does not meet this one again.
                drop(Connection::take(connection));
                failed.map_err(|_| LATE)?.map_err(RedisError::into)
            }
        }
    }
}
