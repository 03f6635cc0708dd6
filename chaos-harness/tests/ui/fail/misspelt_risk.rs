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
    stages(stage(half, 50%, risk = hihg), stage(most, 80%, rsk = high)),
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
