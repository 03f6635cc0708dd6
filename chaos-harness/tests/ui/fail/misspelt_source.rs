use chaos_harness::prelude::*;

#[system(redis = contaner("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

fn main() {}
