use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn shop(rediss: Service) -> Result<()> {
    drop(rediss);
    Ok(())
}

fn main() {}
