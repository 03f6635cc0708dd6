use chaos_harness::prelude::*;
use std::rc::Rc;

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
async fn checkout() -> Result<()> {
    let count = Rc::new(1);
    step().await;
    drop(count);
    Ok(())
}

async fn step() {}

fn main() {}
