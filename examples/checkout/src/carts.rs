//! How carts are kept in Redis.

use deadpool_redis::redis::{AsyncCommands, ErrorKind, RedisError, RedisResult, aio::ConnectionLike};

use crate::domain::Cart;

/// Connections to Redis, in either variant.
pub(crate) const CONNECTIONS: usize = 20;
/// Customers of the demonstration shop: each has a cart from the start.
pub(crate) const CUSTOMERS: u32 = 100;

fn key(customer: u32) -> String {
    format!("cart:{customer}")
}

/// The cart that a customer of the demonstration shop has filled.
pub(crate) fn sample(customer: u32) -> Cart {
    Cart { sku: format!("sku-{}", customer % 17), quantity: 1 }
}

/// Fills the carts of all customers.
pub(crate) async fn seed(connection: &mut (impl ConnectionLike + Send + Sync)) -> RedisResult<()> {
    let mut carts = Vec::new();
    for customer in 0..CUSTOMERS {
        carts.push((
            key(customer),
            serde_json::to_string(&sample(customer)).map_err(|error| not_a_cart(&error))?,
        ));
    }
    connection.mset(&carts).await
}

/// The customer's cart, if there is one.
pub(crate) async fn load(
    connection: &mut (impl ConnectionLike + Send + Sync),
    customer: u32,
) -> RedisResult<Option<Cart>> {
    let stored: Option<String> = connection.get(key(customer)).await?;
    stored.map(|text| serde_json::from_str(&text).map_err(|error| not_a_cart(&error))).transpose()
}

fn not_a_cart(error: &serde_json::Error) -> RedisError {
    (ErrorKind::UnexpectedReturnType, "not a cart", error.to_string()).into()
}
