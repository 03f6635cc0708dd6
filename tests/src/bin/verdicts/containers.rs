//! Each fault on the container backend, with a hypothesis that holds only if the fault is really there.

use crate::client::Client;
use chaos_harness::prelude::*;

#[system(redis = container("redis:7", port = 6379))]
async fn cache(redis: Service) -> Result<Client> {
    Client::connect(&redis, 20).await
}

#[chaos_test(
    system = cache,
    hypothesis = "answers are late",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 700ms),
    steady_state(p50 < 80ms, error_rate < 10%),
    inject(latency(redis, 120ms)),
    expect(p50 > 100ms, error_rate < 10%),
    stages(stage(all, 100%)),
)]
async fn latency(client: &Client) -> Result {
    client.redis("PING", "+PONG").await
}

// The app is in a container as well: it reaches the cache by a route, as user code does.
#[system(
    redis = container("redis:7", port = 6379),
    front = container("chaos-test-front", port = 7000, command = "--port {port} --upstream {redis}"),
)]
async fn app(front: Service) -> Result<Client> {
    Client::connect(&front, 20).await
}

#[chaos_test(
    system = app,
    hypothesis = "what the app asks the cache for is late",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 700ms),
    steady_state(p50 < 80ms, error_rate < 10%),
    inject(latency(redis, 120ms)),
    expect(p50 > 100ms, error_rate < 10%),
    stages(stage(all, 100%)),
)]
async fn app_in_container(client: &Client) -> Result {
    client.redis("PING", "+PONG").await
}

#[chaos_test(
    system = cache,
    hypothesis = "nobody is there, and then again",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms, timeout = 1s),
    steady_state(error_rate < 10%),
    inject(kill(redis)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn kill(client: &Client) -> Result {
    client.redis("PING", "+PONG").await
}

#[chaos_test(
    system = cache,
    hypothesis = "nobody is there any more, and then again",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms, timeout = 1s),
    steady_state(error_rate < 10%),
    inject(stop(redis, grace = 2s)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn stop(client: &Client) -> Result {
    client.redis("PING", "+PONG").await
}

#[chaos_test(
    system = cache,
    hypothesis = "it stands still",
    load(rate = 100/s, warmup = 100ms, baseline = 500ms, turbulence = 500ms, timeout = 400ms),
    steady_state(error_rate < 10%),
    inject(pause(redis)),
    expect(error_rate > 80%),
    stages(stage(all, 100%)),
)]
async fn pause(client: &Client) -> Result {
    client.redis("PING", "+PONG").await
}

#[chaos_test(
    system = cache,
    hypothesis = "hard work takes its time, but is done",
    load(rate = 20/s, warmup = 100ms, baseline = 800ms, turbulence = 800ms, timeout = 20s),
    steady_state(error_rate < 20%),
    inject(starve_cpu(redis, to = 5%)),
    expect(error_rate < 20%),
    stages(stage(all, 100%)),
)]
async fn starve_cpu(client: &Client) -> Result {
    // Some milliseconds of CPU: a quota that is never used up has no effect.
    client.redis("EVAL \"local n = 0 for i = 1, 1000000 do n = n + i end return 1\" 0", ":1").await
}

#[chaos_test(
    system = cache,
    hypothesis = "it goes on for long",
    load(rate = 100/s, warmup = 0s, baseline = 400ms, turbulence = 120s, timeout = 400ms),
    steady_state(error_rate < 20%),
    inject(pause(redis)),
    expect(error_rate > 50%),
    stages(stage(all, 100%)),
)]
async fn long(client: &Client) -> Result {
    client.redis("PING", "+PONG").await
}
