//! Each fault on the process backend, with a hypothesis that holds only if the fault is really there.

use crate::client::{Client, Visitor};
use chaos_harness::prelude::*;

#[system(target = cargo_bin("target-server", args = "--port {port}", ready = http("/health")))]
async fn one(target: Service) -> Result<Client> {
    Client::connect(&target, 20).await
}

#[system(target = cargo_bin("target-server", args = "--port {port}", ready = http("/health")))]
async fn each(target: Service) -> Result<Visitor> {
    Ok(Visitor::new(&target))
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
    hypothesis = "what is limited stands still, too",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms, timeout = 400ms),
    steady_state(error_rate < 10%),
    inject(pause(target), limit_memory(target, 4GiB)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn two_on_one(client: &Client) -> Result<Vec<u8>> {
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

#[chaos_test(
    system = one,
    hypothesis = "a fifth of the time of one connection is slow",
    load(rate = 200/s, warmup = 100ms, baseline = 500ms, turbulence = 1s),
    steady_state(p50 < 40ms, error_rate < 10%),
    inject(latency(target, 60ms, slices = 50ms)),
    expect(p99 > 55ms, error_rate < 10%),
    stages(stage(fifth, 20%)),
)]
async fn latency_in_slices(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = one,
    hypothesis = "answers arrive in pieces, one every millisecond",
    load(rate = 60/s, warmup = 100ms, baseline = 600ms, turbulence = 800ms),
    steady_state(p50 < 40ms, error_rate < 10%),
    inject(slicer(target, 100B, variation = 20B, delay = 1ms)),
    expect(p50 > 15ms, error_rate < 10%),
    stages(stage(all, 100%)),
)]
async fn slicer(client: &Client) -> Result<Vec<u8>> {
    client.get("/bytes/2000").await
}

#[chaos_test(
    system = one,
    hypothesis = "no answer is complete",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(limit_data(target, 100B)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn limit_data(client: &Client) -> Result<Vec<u8>> {
    client.get("/bytes/2000").await
}

#[chaos_test(
    system = one,
    hypothesis = "answers stop in the middle",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms, timeout = 400ms),
    steady_state(error_rate < 10%),
    inject(stall(target, 100B)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn stall(client: &Client) -> Result<Vec<u8>> {
    client.get("/bytes/2000").await
}

#[chaos_test(
    system = one,
    hypothesis = "half of the time nothing comes through",
    load(rate = 200/s, warmup = 100ms, baseline = 500ms, turbulence = 1s),
    steady_state(p50 < 40ms, error_rate < 10%),
    inject(burst(target, 100ms, 100ms)),
    expect(p90 > 45ms, error_rate < 10%),
    stages(stage(all, 100%)),
)]
async fn burst(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = each,
    hypothesis = "nobody gets in",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(refuse_connections(target)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn refuse_connections(client: &Visitor) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = each,
    hypothesis = "the pool is exhausted",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(limit_connections(target, 0)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn limit_connections(client: &Visitor) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = each,
    hypothesis = "getting in takes its time",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 600ms),
    steady_state(p50 < 40ms, error_rate < 10%),
    inject(delay_connections(target, 60ms, jitter = 5ms)),
    expect(p50 > 50ms, error_rate < 10%),
    stages(stage(all, 100%)),
)]
async fn delay_connections(client: &Visitor) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = each,
    hypothesis = "who waits for the end waits longer",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 600ms),
    steady_state(p50 < 40ms, error_rate < 10%),
    inject(slow_close(target, 60ms)),
    expect(p50 > 50ms, error_rate < 10%),
    stages(stage(all, 100%)),
)]
async fn slow_close(client: &Visitor) -> Result<Vec<u8>> {
    client.get("/").await
}
