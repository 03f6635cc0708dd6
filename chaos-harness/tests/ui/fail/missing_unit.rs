use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

#[chaos_test(
    system = shop,
    hypothesis = "h",
    load(rate = 200),
    inject(latency(redis, 200)),
    expect(p99 < 500),
    stages(1),
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
