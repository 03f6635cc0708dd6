use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

#[chaos_test(
    system = shop,
    hypothesis = "h",
    inject(latency(redis, 200ms)),
    expect(p99 < 500ms),
    stages(slow_close(redis) = [50ms, 100ms]),
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
