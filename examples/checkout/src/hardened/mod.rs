//! The service that expects its dependencies to fail.
//!
//! | dependency | what is done |
//! | --- | --- |
//! | inventory | a time limit per attempt, hedged requests, retries on other replicas, ejection of bad replicas |
//! | Redis | a time limit, a circuit breaker, the cart that the browser last saw as the fallback |
//! | PostgreSQL | a time limit per attempt, retries on fresh connections of a write that can be repeated |

mod backoff;
mod breaker;
mod budget;
mod carts;
mod inventory;
mod orders;

use std::time::Duration;

use self::{carts::Carts, inventory::Inventory, orders::Orders};
use crate::{
    config::Config,
    domain::{Cart, CartSource, DependencyError, Order, Stock},
    service::Dependencies,
};

pub(crate) struct Hardened {
    inventory: Inventory,
    carts: Option<Carts>,
    orders: Option<Orders>,
}

impl Hardened {
    pub(crate) async fn connect(config: &Config) -> Result<Self, DependencyError> {
        Ok(Self {
            inventory: Inventory::connect(&config.inventory).await,
            carts: match config.redis {
                Some(addr) => Some(Carts::connect(addr).await?),
                None => None,
            },
            orders: match &config.postgres {
                Some(postgres) => Some(Orders::connect(postgres).await?),
                None => None,
            },
        })
    }
}

impl Dependencies for Hardened {
    const DEADLINE: Option<Duration> = Some(Duration::from_secs(1));

    async fn cart(&self, customer: u32, last_seen: Cart) -> Result<(Cart, CartSource), DependencyError> {
        let Some(carts) = &self.carts else { return Ok((last_seen, CartSource::Current)) };
        Ok(match carts.load(customer).await {
            Ok(stored) => (stored.unwrap_or(last_seen), CartSource::Current),
            // A customer who may lose a change of the last minute is better served than one who cannot buy.
            Err(_) => (last_seen, CartSource::Fallback),
        })
    }

    async fn stock(&self, sku: &str) -> Result<Stock, DependencyError> {
        self.inventory.stock(sku).await
    }

    async fn store(&self, order: &Order) -> Result<(), DependencyError> {
        match &self.orders {
            Some(orders) => orders.store(order).await,
            None => Ok(()),
        }
    }
}
