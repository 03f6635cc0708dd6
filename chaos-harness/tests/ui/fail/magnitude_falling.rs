use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

#[chaos_test(
    system = shop,
    hypothesis = "h",
    inject(latency(redis, 200ms), bandwidth(redis, 8KiB/s)),
    expect(p99 < 500ms),
    stages(latency(redis) = [50ms, 200ms, 100ms], bandwidth(redis) = [8KiB/s, 64KiB/s]),
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
