//! Experiments that `nextest.rs` runs under nextest; under `cargo test` they run as well.

use chaos_harness::prelude::*;
use chaos_tests::echo::Echo;

#[system(echo = cargo_bin("echo-server", args = "--port {port}"), stop = Echo::stop)]
async fn single(echo: Service) -> Result<Echo> {
    Ok(Echo::start(&echo)?)
}

#[chaos_test(
    system = single,
    hypothesis = "a slow connection is still one",
    load(rate = 200/s, warmup = 100ms, baseline = 300ms, turbulence = 300ms),
    steady_state(p50 < 500ms),
    inject(latency(echo, 5ms)),
    expect(p50 < 1s),
    stages(50%, 100%),
)]
async fn bears_latency(echo: &Echo) -> Result<()> {
    echo.ask().await
}

#[chaos_test(
    system = single,
    hypothesis = "a narrow connection is still one",
    load(rate = 200/s, warmup = 100ms, baseline = 300ms, turbulence = 300ms),
    steady_state(p50 < 500ms),
    inject(bandwidth(echo, 1Mbit/s)),
    expect(p50 < 1s),
    stages(50%),
)]
async fn bears_a_narrow_line(echo: &Echo) -> Result<()> {
    echo.ask().await
}

chaos_harness::main!();
