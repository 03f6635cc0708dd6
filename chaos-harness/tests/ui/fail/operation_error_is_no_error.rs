use chaos_harness::prelude::*;

struct Busy;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

#[chaos_test(
    system = shop,
    hypothesis = "h",
    inject(kill(redis)),
    expect(p99 < 500ms),
)]
async fn checkout() -> Result<(), Busy> {
    Err(Busy)
}

fn main() {}
