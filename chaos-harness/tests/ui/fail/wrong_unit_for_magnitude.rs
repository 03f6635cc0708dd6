use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

#[chaos_test(
    system = shop,
    hypothesis = "h",
    inject(latency(redis, 200ms), starve_cpu(redis)),
    expect(p99 < 500ms),
    stages(latency(redis) = [50ms, 10%, 100ms], latency(redis) = [32KiB, 64KiB], stage(all, starve_cpu(redis) = 5s)),
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
