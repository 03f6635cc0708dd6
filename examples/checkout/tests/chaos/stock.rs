//! The inventory service: ten replicas, of which one fails. These need nothing but Rust.

use chaos_harness::prelude::*;
use checkout::{Config, Receipt, Shop, Variant};

#[system(
    inventory = cargo_bin("inventory", replicas = 10, args = "--port {port}", ready = http("/health")),
    stop = close,
)]
async fn shop(inventory: Service) -> Result<Shop> {
    let variant = Variant::from_env()?;
    Ok(Shop::start(Config { variant, inventory: inventory.addrs().to_vec(), ..Config::default() }).await?)
}

async fn close(shop: Shop) -> Result<()> {
    shop.stop().await;
    Ok(())
}

#[chaos_test(
    system = shop,
    hypothesis = "checkout asks another replica when one of inventory's is slow",
    load(rate = 200/s, warmup = 500ms, baseline = 1500ms, turbulence = 2500ms),
    steady_state(p95 < 100ms, error_rate < 2%, throughput > 190/s),
    inject(latency(inventory, 300ms, jitter = 50ms)),
    expect(p95 < 150ms, error_rate < 2%),
    recover(within = 5s),
    halt_if(error_rate > 50%),
    stages(1 instance, 20%, 50%),
)]
async fn survives_a_slow_replica(shop: &Shop) -> Result<Receipt> {
    Ok(shop.checkout().await?)
}

#[chaos_test(
    system = shop,
    hypothesis = "checkout asks another replica when one of inventory's is gone",
    load(rate = 200/s, warmup = 500ms, baseline = 1500ms, turbulence = 2500ms),
    steady_state(p95 < 100ms, error_rate < 2%, throughput > 190/s),
    inject(kill(inventory)),
    expect(p95 < 150ms, error_rate < 2%),
    recover(within = 5s),
    stages(1 instance, 20%, 50%),
)]
async fn survives_a_killed_replica(shop: &Shop) -> Result<Receipt> {
    Ok(shop.checkout().await?)
}

#[chaos_test(
    system = shop,
    hypothesis = "checkout does not wait for a replica of inventory's that has frozen",
    load(rate = 200/s, warmup = 500ms, baseline = 1500ms, turbulence = 2500ms, timeout = 1s),
    steady_state(p95 < 100ms, error_rate < 2%, throughput > 190/s),
    inject(pause(inventory)),
    expect(p95 < 150ms, error_rate < 2%),
    recover(within = 5s),
    stages(1 instance, 20%, 50%),
)]
async fn survives_a_paused_replica(shop: &Shop) -> Result<Receipt> {
    Ok(shop.checkout().await?)
}

#[chaos_test(
    system = shop,
    hypothesis = "checkout works around a replica of inventory's that hardly gets any CPU",
    load(rate = 200/s, warmup = 500ms, baseline = 1500ms, turbulence = 2500ms),
    steady_state(p95 < 100ms, error_rate < 2%, throughput > 190/s),
    inject(starve_cpu(inventory, to = 1%)),
    expect(p95 < 100ms, error_rate < 2%),
    recover(within = 5s),
    stages(1 instance, 20%, 50%),
)]
async fn survives_a_starved_replica(shop: &Shop) -> Result<Receipt> {
    Ok(shop.checkout().await?)
}
