use chaos_harness::prelude::*;

#[system(redis = container("redis:7", prot = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

fn main() {}
