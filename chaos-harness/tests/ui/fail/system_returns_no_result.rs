use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> u32 {
    1
}

fn main() {}
