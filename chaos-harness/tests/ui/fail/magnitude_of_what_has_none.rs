use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

#[chaos_test(
    system = shop,
    hypothesis = "h",
    inject(kill(redis)),
    expect(p99 < 500ms),
    stages(kill(redis) = [1, 2]),
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
