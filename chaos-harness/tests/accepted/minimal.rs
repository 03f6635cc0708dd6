//! The least that an experiment says.

use chaos_harness::prelude::*;

struct Shop;

#[system(redis = container("redis:7", port = 6379))]
async fn shop(redis: Service) -> Result<Shop> {
    let _address = redis.addr();
    Ok(Shop)
}

#[chaos_test(
    system = shop,
    hypothesis = "checkout keeps answering while Redis is slow",
    inject(latency(redis, 200ms)),
    expect(p99 < 500ms),
)]
async fn survives_slow_redis(_shop: &Shop) -> Result<()> {
    Ok(())
}

pub(crate) fn check() {
    let experiment = survives_slow_redis__experiment();
    let definition = experiment.definition();
    assert_eq!(definition.name, "minimal::survives_slow_redis");
    assert_eq!(definition.hypothesis, "checkout keeps answering while Redis is slow");
    assert_eq!(definition.system.services.len(), 1);
    assert_eq!(definition.faults[0].to_string(), "latency 200ms on redis");
    assert_eq!(definition.expect[0].to_string(), "p99 < 500ms");
    assert_eq!(definition.location.line, 13);
    assert!(definition.location.file.ends_with("minimal.rs"));
}
