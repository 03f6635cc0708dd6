//! Each fault on the process backend, with a hypothesis that holds only if the fault is really there.

use crate::client::Client;
use chaos_harness::prelude::*;

#[system(target = cargo_bin("target-server", args = "--port {port}", ready = http("/health")))]
async fn one(target: Service) -> Result<Client> {
    Client::connect(&target, 20).await
}

#[chaos_test(
    system = one,
    hypothesis = "answers are late",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 700ms),
    steady_state(p50 < 80ms, error_rate < 10%),
    inject(latency(target, 120ms, jitter = 10ms)),
    expect(p50 > 100ms, error_rate < 10%),
    stages(stage(all, 100%)),
)]
async fn latency(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = one,
    hypothesis = "20 kB take a fifth of a second",
    load(rate = 60/s, warmup = 100ms, baseline = 600ms, turbulence = 800ms),
    steady_state(p50 < 80ms, error_rate < 10%),
    inject(bandwidth(target, 100kB/s)),
    expect(p50 > 100ms, error_rate < 10%),
    stages(stage(all, 100%)),
)]
async fn bandwidth(client: &Client) -> Result<Vec<u8>> {
    client.get("/bytes/20000").await
}

#[chaos_test(
    system = one,
    hypothesis = "nothing comes through",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms, timeout = 400ms),
    steady_state(error_rate < 10%),
    inject(timeout(target)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn timeout(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = one,
    hypothesis = "every connection is reset",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(reset_peer(target)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn reset_peer(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = one,
    hypothesis = "no connection can be made",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(down(target)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn down(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = one,
    hypothesis = "nobody is there",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(kill(target)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn kill(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = one,
    hypothesis = "nobody is there any more",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(stop(target, grace = 1s)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn stop(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = one,
    hypothesis = "it stands still",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms, timeout = 400ms),
    steady_state(error_rate < 10%),
    inject(pause(target)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn pause(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = one,
    hypothesis = "it stands still most of the time",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 1s),
    steady_state(p50 < 10ms, error_rate < 10%),
    inject(starve_cpu(target, to = 10%)),
    expect(p50 > 10ms, error_rate < 10%),
    stages(stage(all, 100%)),
)]
async fn starve_cpu(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = one,
    hypothesis = "large answers have no room",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(limit_memory(target, 512MiB)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn limit_memory(client: &Client) -> Result<Vec<u8>> {
    client.get("/allocate/536870912").await
}
