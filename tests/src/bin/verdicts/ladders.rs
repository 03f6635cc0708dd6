//! Experiments whose ladders climb the magnitude of a fault, or ask for less than there is.

use crate::client::Client;
use chaos_harness::prelude::*;

#[chaos_test(
    system = crate::outcomes::four,
    hypothesis = "a little latency is no harm",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms, timeout = 1s),
    steady_state(p90 < 200ms, error_rate < 10%),
    inject(latency(target, 100ms, jitter = 1ms)),
    expect(p90 < 200ms, error_rate < 10%),
    recover(within = 4s),
    stages(stage(half, 50%, latency(target) = 2ms, risk = low), latency(target) = [2ms, 500ms]),
)]
async fn bears_some_latency(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

/// Two connections to each of three.
#[system(target = cargo_bin("target-server", args = "--port {port}", replicas = 3, ready = http("/health")))]
async fn three(target: Service) -> Result<Client> {
    Client::connect(&target, 6).await
}

#[chaos_test(
    system = three,
    hypothesis = "a twentieth of three is one of them",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(latency(target, 2ms)),
    expect(error_rate < 10%),
    recover(within = 4s),
    stages(stage(twentieth, 5%)),
)]
async fn touches_a_third(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}
