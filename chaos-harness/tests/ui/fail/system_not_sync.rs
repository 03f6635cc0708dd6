use chaos_harness::prelude::*;

use std::rc::Rc;

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<Rc<u32>> {
    Ok(Rc::new(1))
}

fn main() {}
