//! Redis, where the carts are: checkout can do without it.

use chaos_harness::prelude::*;
use checkout::{Config, Receipt, Shop, Variant};

#[system(
    inventory = cargo_bin("inventory", replicas = 2, args = "--port {port}", ready = http("/health")),
    redis = container("redis:7", port = 6379)
        .or(process("redis-server --port {port} --bind 127.0.0.1 --save '' --appendonly no")),
)]
async fn shop(inventory: Service, redis: Service) -> Result<Shop> {
    let config = Config {
        variant: Variant::from_env()?,
        inventory: inventory.addrs().to_vec(),
        redis: Some(redis.addr()),
        ..Config::default()
    };
    Ok(Shop::start(config).await?)
}

#[chaos_test(
    system = shop,
    hypothesis = "checkout takes the cart from the request while Redis is slow",
    load(rate = 200/s, warmup = 500ms, baseline = 1500ms, turbulence = 2500ms),
    steady_state(p95 < 100ms, error_rate < 2%, throughput > 190/s),
    inject(latency(redis, 400ms)),
    expect(p95 < 150ms, error_rate < 2%),
    recover(within = 5s),
    stages(20%, 50%, 100%),
)]
async fn survives_slow_redis(shop: &Shop) -> Result<Receipt> {
    Ok(shop.checkout().await?)
}

#[chaos_test(
    system = shop,
    hypothesis = "checkout takes the cart from the request while Redis is down",
    load(rate = 200/s, warmup = 500ms, baseline = 1500ms, turbulence = 2500ms),
    steady_state(p95 < 100ms, error_rate < 2%, throughput > 190/s),
    inject(down(redis)),
    expect(p95 < 150ms, error_rate < 2%),
    recover(within = 5s),
    stages(1 instance),
)]
async fn survives_redis_outage(shop: &Shop) -> Result<Receipt> {
    Ok(shop.checkout().await?)
}
