use chaos_harness::prelude::*;

struct Cart;

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
async fn checkout(cart: &Cart) -> Result<()> {
    let _: &Cart = cart;
    Ok(())
}

fn main() {}
