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
    revision = "two",
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
