use chaos_harness::prelude::*;

const LIMIT: u32 = 500;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

#[chaos_test(
    system = shop,
    hypothesis = "h",
    inject(3 + 4),
    expect(p99 < LIMIT),
)]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
