//! Experiments that run anywhere, on two servers.

use chaos_harness::prelude::*;
use chaos_tests::echo::Echo;

#[system(echo = cargo_bin("echo-server", args = "--port {port}", replicas = 2))]
pub(crate) async fn pair(echo: Service) -> Result<Echo> {
    Ok(Echo::new(&echo))
}

/// One of two is half of them: there are three stages here, and two trials.
#[chaos_test(
    system = pair,
    hypothesis = "an answer takes its time",
    load(rate = 200/s, warmup = 100ms, baseline = 300ms, turbulence = 300ms),
    steady_state(p50 < 500ms),
    inject(latency(echo, 5ms)),
    expect(p50 < 1s),
    stages(1 instance, 50%, stage("all of it", 100%)),
    parallel,
)]
async fn bears_latency(echo: &Echo) -> Result<()> {
    echo.ask().await
}

#[chaos_test(
    system = pair,
    hypothesis = "an answer takes no time at all",
    load(rate = 200/s, warmup = 100ms, baseline = 300ms, turbulence = 300ms),
    steady_state(p50 < 500ms),
    inject(latency(echo, 600ms)),
    expect(p50 < 500ms),
    stages(100%),
    parallel,
)]
async fn is_refuted(echo: &Echo) -> Result<()> {
    echo.ask().await
}

/// Long enough to be killed in the middle.
#[chaos_test(
    system = pair,
    hypothesis = "it lasts",
    load(rate = 100/s, warmup = 100ms, baseline = 300ms, turbulence = 1min),
    steady_state(p50 < 500ms),
    inject(latency(echo, 5ms)),
    expect(p50 < 1s),
    stages(1 instance),
    parallel,
)]
#[ignore = "takes a minute"]
async fn lasts(echo: &Echo) -> Result<()> {
    echo.ask().await
}

#[chaos_test(system = of_another_platform, hypothesis = "h", inject(kill(echo)), expect(p50 < 1s))]
#[cfg(any())]
async fn is_configured_away() -> Result<()> {
    Ok(())
}
