use chaos_harness::prelude::*;


#[chaos_test(load(rate = 200/s))]
async fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
