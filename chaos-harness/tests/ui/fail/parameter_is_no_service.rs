use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn shop(redis: String) -> Result<()> {
    drop(redis);
    Ok(())
}

fn main() {}
