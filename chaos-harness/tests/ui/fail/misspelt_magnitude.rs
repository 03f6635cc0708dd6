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
    stages(latncy(redis) = [50ms, 100ms], stage(all, latency(rdis) = 200ms)),
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
