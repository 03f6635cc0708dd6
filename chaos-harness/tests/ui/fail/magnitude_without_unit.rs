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
    stages(latency(redis) = [50, 100ms], stage(all, latency(redis) = 200)),
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
