//! How orders are stored in PostgreSQL.

use tokio_postgres::{
    Client, Error,
    types::{ToSql, Type},
};

use crate::{config::PostgresConfig, domain::Order};

/// Connections to PostgreSQL, in either variant.
pub(crate) const CONNECTIONS: usize = 20;

/// Services that start side by side must not create the table at the same time: `if not exists` alone does not
/// prevent that. The lock lasts until the end of the batch, which is one transaction.
const SCHEMA: &str = "
    select pg_advisory_xact_lock(hashtext('checkout schema'));
    create table if not exists orders (
        id bigint primary key,
        customer bigint not null,
        sku text not null,
        quantity bigint not null
    );
";

/// The same order sent twice is stored once: an insert whose outcome is not known can be repeated.
const INSERT: &str =
    "insert into orders (id, customer, sku, quantity) values ($1, $2, $3, $4) on conflict (id) do nothing";

pub(crate) fn connection_config(config: &PostgresConfig) -> tokio_postgres::Config {
    let mut target = tokio_postgres::Config::new();
    target
        .host(config.addr.ip().to_string())
        .port(config.addr.port())
        .user(&config.user)
        .dbname(&config.database)
        .application_name("checkout");
    if let Some(password) = &config.password {
        target.password(password);
    }
    target
}

pub(crate) async fn create_schema(client: &Client) -> Result<(), Error> {
    client.batch_execute(SCHEMA).await
}

pub(crate) async fn insert(client: &Client, order: &Order) -> Result<(), Error> {
    let customer = i64::from(order.customer);
    let quantity = i64::from(order.cart.quantity);
    let values: [(&(dyn ToSql + Sync), Type); 4] = [
        (&order.id, Type::INT8),
        (&customer, Type::INT8),
        (&order.cart.sku, Type::TEXT),
        (&quantity, Type::INT8),
    ];
    client.execute_typed(INSERT, &values).await?;
    Ok(())
}
