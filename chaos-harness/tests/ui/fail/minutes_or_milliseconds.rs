use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

#[chaos_test(
    system = shop,
    hypothesis = "h",
    recover(within = 5m),
    inject(kill(redis)),
    expect(p99 < 500ms),
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
