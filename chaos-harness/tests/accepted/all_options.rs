//! Everything that can be said, by an item of each kind.
#![deny(warnings, missing_docs, unsafe_code, unreachable_pub)]

use chaos_harness::metric;
use chaos_harness::prelude::*;
use chaos_harness::{Fault, Threshold, fault};
use std::fmt;
use std::time::Duration;

const REPLICAS: u32 = 10;
const LIMIT: Duration = Duration::from_millis(500);
const FAST: ByteRate = Bytes::new(65_536).per_second();

/// Not a `std` error: like `anyhow::Error`, it only becomes one.
pub(crate) struct Failure;

impl From<Failure> for BoxError {
    fn from(_: Failure) -> Self {
        "failed".into()
    }
}

#[derive(Debug)]
struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("busy")
    }
}

impl std::error::Error for Busy {}

pub(crate) struct Shop;

impl Shop {
    async fn checkout(&self) -> Result<u32, Failure> {
        Err(Failure)
    }

    async fn close(self) -> Result<(), Busy> {
        Err(Busy)
    }
}

fn mine(service: &str) -> fault::Kill {
    fault::kill(service)
}

fn slo() -> Threshold {
    metric::p95().below(LIMIT)
}

#[system(
    redis = container("redis:7", port = 6379, command = "redis-server --save ''", ready = log("Ready"), ready_within = 10s)
        .or(process("redis-server --port {port}", replicas = 1)),
    inventory = cargo_bin(
        "inventory",
        args = "--port {port}",
        replicas = REPLICAS,
        env = "LOG=warn",
        env = "CACHE={redis}",
        after = redis,
        ready = http("/health"),
    ),
    payments = external("127.0.0.1:8080", ready = Ready::tcp()).allow_faults(),
    stop = Shop::close,
)]
pub(crate) async fn shop(mut inventory: Service, redis: Service) -> Result<Shop, Failure> {
    inventory = if inventory == redis { redis } else { inventory };
    if inventory.addrs().is_empty() { Err(Failure) } else { Ok(Shop) }
}

#[chaos_test(
    system = shop,
    hypothesis = "checkout keeps answering while Redis is slow",
    load(rate = 0.5/s, warmup = 1s, baseline = 5s, turbulence = 1.5min, timeout = 2s, concurrency = 500),
    steady_state(p50 < 5ms, p99 <= 50ms, throughput >= 180/s),
    inject(
        latency(redis, 200ms, jitter = 50ms, stream = Stream::Upstream),
        bandwidth(redis, 10Mbit/s),
        limit_memory(inventory, 64MiB),
        starve_cpu(inventory, to = 5%),
        mine("redis"),
        Fault::from(fault::down("redis")),
    ),
    expect(p99 < LIMIT, p99.95 < 2x baseline, error_rate < 1%, throughput > 90% of baseline, slo()),
    recover(within = 5s),
    halt_if(error_rate > 50%),
    stages(
        1 instance,
        2 instances,
        5%,
        stage(half, 50%, latency(redis) = 20ms, bandwidth(redis) = FAST, risk = high),
        stage("all of it", 100%, risk = Risk::Critical, latency(redis) = LIMIT.mul_f64(0.1)),
        latency(redis) = [60ms, 0.1s, LIMIT],
        starve_cpu(inventory) = [5%, 2%],
        limit_memory(inventory) = 32MiB,
    ),
    revision = 2,
    confidence = 99%,
    seed = 42,
    parallel,
)]
async fn checkout_survives(shop: &Shop) -> Result<u32, Failure> {
    shop.checkout().await
}

/// Needs nothing of what was built, and its expressions are of every kind.
#[chaos_test(
    system = self::shop,
    hypothesis = concat!("in ", "parts"),
    load(rate = Rate::per_second(REPLICAS)),
    inject(fault::kill("redis"), pause(payments)),
    expect(metric::max().below(LIMIT * 2)),
    stages(Stage::instances::<REPLICAS>()),
    seed = 0xC0FFEE,
)]
pub(crate) async fn nothing_is_taken() -> Result {
    Ok(())
}

pub(crate) fn check() {
    let experiment = checkout_survives__experiment();
    let definition = experiment.definition();
    let show = |thresholds: &[Threshold]| thresholds.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        show(&definition.expect),
        [
            "p99 < 500ms",
            "p99.95 < 2x baseline",
            "error_rate < 1%",
            "throughput > 90% of baseline",
            "p95 < 500ms"
        ]
    );
    let faults: Vec<_> = definition.faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults[0], "latency 200ms ± 50ms on requests to redis");
    assert_eq!(faults.len(), 6);
    let stages: Vec<_> = definition.stages.iter().map(Stage::name).collect();
    let (named, made) = stages.split_at(5);
    assert_eq!(named, ["1_instance", "2_instances", "5_percent", "half", "all of it"]);
    assert_eq!(
        made,
        [
            "latency_redis_60ms",
            "latency_redis_100ms",
            "latency_redis_500ms",
            "starve_cpu_inventory_5_percent",
            "starve_cpu_inventory_2_percent",
            "limit_memory_inventory_32MiB"
        ]
    );
    assert_eq!(definition.stages[3].said_risk(), Some(Risk::High));
    assert_eq!(definition.stages[3].to_string(), "50%, latency(redis) = 20ms, bandwidth(redis) = 64KiB/s");
    assert_eq!((definition.revision, definition.body.is_some()), (Some(2), true));
    assert_eq!(definition.confidence, Percent::new(99));
    assert!(definition.parallel && definition.seed.is_some() && definition.ignored.is_none());
    assert_eq!(definition.system.services[0].providers.len(), 2);
    assert_eq!(definition.system.services[1].after.len(), 1);

    let other = nothing_is_taken__experiment();
    assert_eq!(other.definition().hypothesis, "in parts");
    assert_eq!(other.definition().faults.len(), 2);
}
