//! Experiments that need something: the machine to themselves, or an image that nobody has.

use chaos_harness::prelude::*;
use chaos_tests::echo::Echo;

#[system(echo = cargo_bin("echo-server", args = "--port {port}"), stop = Echo::stop)]
async fn marked(echo: Service) -> Result<Echo> {
    Ok(Echo::start(&echo)?)
}

#[chaos_test(
    system = marked,
    hypothesis = "it has the machine to itself",
    load(rate = 200/s, warmup = 100ms, baseline = 300ms, turbulence = 300ms),
    steady_state(p50 < 500ms),
    inject(latency(echo, 5ms)),
    expect(p50 < 1s),
    stages(50%),
)]
async fn takes_the_machine(echo: &Echo) -> Result<()> {
    echo.ask().await
}

#[chaos_test(
    system = crate::cart::pair,
    hypothesis = "it runs when it is asked for",
    steady_state(p50 < 500ms),
    inject(latency(echo, 5ms)),
    expect(p50 < 1s),
    stages(1 instance, 100%),
)]
#[ignore = "needs a quiet machine"]
async fn is_left_out(echo: &Echo) -> Result<()> {
    echo.ask().await
}

#[system(web = container("chaos-no-such-image:latest", port = 1))]
async fn in_a_container(web: Service) -> Result<Echo> {
    Ok(Echo::new(&web))
}

#[chaos_test(
    system = in_a_container,
    hypothesis = "an image that nobody has answers",
    steady_state(p50 < 500ms),
    inject(latency(web, 5ms)),
    expect(p50 < 1s),
    stages(20%, 50%),
)]
async fn needs_an_image(echo: &Echo) -> Result<()> {
    echo.ask().await
}
