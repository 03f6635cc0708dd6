use chaos_harness::prelude::*;

#[system(
    redis = container("redis:7", port = 6379),
    inventory = cargo_bin("inventory", after = rediss),
)]
async fn shop() -> Result<()> {
    Ok(())
}

fn main() {}
