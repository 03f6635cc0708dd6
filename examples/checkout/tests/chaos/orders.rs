//! PostgreSQL, where the orders are: checkout tries again on another connection.

use chaos_harness::prelude::*;
use checkout::{Config, PostgresConfig, Receipt, Shop, Variant};

#[system(
    inventory = cargo_bin("inventory", replicas = 2, args = "--port {port}", ready = http("/health")),
    postgres = container(
        "postgres:15",
        port = 5432,
        command = "postgres -c fsync=off",
        env = "POSTGRES_PASSWORD=postgres",
        ready = log("database system is ready to accept connections"),
    ),
)]
async fn shop(inventory: Service, postgres: Service) -> Result<Shop> {
    let config = Config {
        variant: Variant::from_env()?,
        inventory: inventory.addrs().to_vec(),
        postgres: Some(PostgresConfig::at(postgres.addr())),
        ..Config::default()
    };
    Ok(Shop::start(config).await?)
}

#[chaos_test(
    system = shop,
    hypothesis = "checkout stores the order on another connection when one is reset",
    load(rate = 200/s, warmup = 500ms, baseline = 1500ms, turbulence = 2500ms),
    steady_state(p95 < 150ms, error_rate < 2%, throughput > 190/s),
    inject(reset_peer(postgres)),
    expect(p95 < 200ms, error_rate < 2%),
    recover(within = 5s),
    stages(20%, 50%),
)]
async fn survives_connection_resets(shop: &Shop) -> Result<Receipt> {
    Ok(shop.checkout().await?)
}
