use chaos_harness::prelude::*;

#[system(
    redis = container("redis:7", port = 6379),
    inventory,
)]
async fn shop(redis: Service, inventry: Service) -> Result<()> {
    drop((redis, inventry));
    Ok(())
}

// What the macro reports and what rustc reports come together.
#[chaos_test(
    system = shop,
    load(rate = 200, warmup = 1m, baseline = 5%),
    steady_state(p98 < 50ms, p99 < 1%),
    injcet(kill(redis)),
    inject(latency(rediss, 200ms), latency(redis, 200ms, jiter = 50ms)),
    expect(p99 < 500, error_rate < 101%),
    halt_if(error_rate > 50/s),
    stages(5%, 1%),
)]
fn checkout() -> Result<()> {
    Ok(())
}

fn main() {}
