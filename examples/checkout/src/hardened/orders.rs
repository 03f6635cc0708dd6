//! PostgreSQL may drop its connections: an order is written again.
#![expect(clippy::disallowed_methods, reason = "an application reads its own clock")]

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures::future::try_join_all;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::NoTls;

use super::backoff::Backoff;
use crate::{
    config::PostgresConfig,
    domain::{DependencyError, Order},
    orders,
};

const ATTEMPTS: u32 = 4;
const ATTEMPT_LIMIT: Duration = Duration::from_millis(250);
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(10), longest: Duration::from_millis(80) };

pub(super) struct Orders {
    pool: Pool,
}

impl Orders {
    pub(super) async fn connect(config: &PostgresConfig) -> Result<Self, DependencyError> {
        // A connection is tried before it is used: one that broke while idle costs a round trip and no order.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Verified };
        let manager = Manager::from_config(orders::connection_config(config), NoTls, recycling);
        let pool = Pool::builder(manager).max_size(orders::CONNECTIONS).runtime(Runtime::Tokio1).build()?;
        // All connections are opened before the first order. The pool hands them out in turn.
        let clients = try_join_all((0..orders::CONNECTIONS).map(|_| pool.get())).await?;
        if let Some(first) = clients.first() {
            orders::create_schema(first).await?;
        }
        drop(clients);
        Ok(Self { pool })
    }

    /// Writes the order; after a failure again, on another connection. An order that was written although its
    /// confirmation got lost is left as it is.
    pub(super) async fn store(&self, order: &Order) -> Result<(), DependencyError> {
        let mut failures = 0;
        loop {
            let outcome = self.store_in_time(order).await;
            failures += 1;
            if outcome.is_ok() || failures == ATTEMPTS {
                return outcome;
            }
            // A new connection is another chance, at once; if that fails too, the server needs a pause.
            if failures > 1 {
                sleep(BACKOFF.wait(failures - 2)).await;
            }
        }
    }

    async fn store_in_time(&self, order: &Order) -> Result<(), DependencyError> {
        const LATE: DependencyError =
            DependencyError::TimedOut { dependency: "postgres", limit: ATTEMPT_LIMIT };
        let deadline = Instant::now() + ATTEMPT_LIMIT;
        let client = timeout_at(deadline, self.pool.get()).await.map_err(|_| LATE)??;
        match timeout_at(deadline, orders::insert(&client, order)).await {
            Ok(Ok(())) => Ok(()),
            failed => {
                // It may be broken, or still at work on the insert: nobody else should wait for it.
                drop(Object::take(client));
                Ok(failed.map_err(|_| LATE)??)
            }
        }
    }
}
