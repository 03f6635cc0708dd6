//! One experiment for each verdict and each reason for it.

use crate::client::Client;
use chaos_harness::prelude::*;

/// Four replicas, two connections to each.
#[system(target = cargo_bin("target-server", args = "--port {port}", replicas = 4, ready = http("/health")))]
pub(crate) async fn four(target: Service) -> Result<Client> {
    Client::connect(&target, 8).await
}

#[chaos_test(
    system = four,
    hypothesis = "a little latency on one replica is no harm",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms),
    steady_state(p90 < 1s, error_rate < 10%),
    inject(latency(target, 5ms)),
    expect(p90 < 1s, error_rate < 10%),
    recover(within = 4s),
    halt_if(error_rate > 90%),
    stages(stage(only, 1 instance)),
)]
async fn upheld(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = four,
    hypothesis = "a dead replica is not noticed",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(kill(target)),
    expect(error_rate < 10%),
    recover(within = 4s),
    stages(stage(only, 1 instance)),
)]
async fn refuted_by_threshold(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = four,
    hypothesis = "no order is lost",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(kill(target)),
    expect(error_rate < 50%),
    recover(within = 4s),
    stages(stage(only, 1 instance)),
)]
#[expect(clippy::expect_used, reason = "a panic is what a broken invariant is")]
async fn refuted_by_panic(client: &Client) -> Result {
    let answer = client.get("/").await;
    answer.map(drop).map_err(|_| "lost").expect("an order was lost");
    Ok(())
}

/// As [`four`], with a client that does not come back from a lost connection.
#[system(target = cargo_bin("target-server", args = "--port {port}", replicas = 4, ready = http("/health")))]
async fn four_without_reconnecting(target: Service) -> Result<Client> {
    Ok(Client::connect(&target, 8).await?.without_reconnecting())
}

#[chaos_test(
    system = four_without_reconnecting,
    hypothesis = "connections come back by themselves",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(kill(target)),
    expect(error_rate < 60%),
    recover(within = 300ms),
    stages(stage(only, 1 instance)),
)]
async fn refuted_by_no_recovery(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[system(
    target = cargo_bin("target-server", args = "--port {port}", ready = http("/health")),
    unused = cargo_bin("target-server", args = "--port {port}", ready = http("/health")),
)]
async fn with_unused(target: Service, unused: Service) -> Result<Client> {
    drop(unused);
    Client::connect(&target, 4).await
}

#[chaos_test(
    system = with_unused,
    hypothesis = "a service that nobody uses may be slow",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(latency(unused, 100ms)),
    expect(error_rate < 10%),
    recover(within = 4s),
    stages(stage(only, 100%)),
)]
async fn inconclusive_without_effect(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

/// One replica and two connections: a twentieth of them is none, or a half.
#[system(target = cargo_bin("target-server", args = "--port {port}", ready = http("/health")))]
async fn two_connections(target: Service) -> Result<Client> {
    Client::connect(&target, 2).await
}

#[chaos_test(
    system = two_connections,
    hypothesis = "a twentieth of the connections may be slow",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(latency(target, 2ms)),
    expect(error_rate < 10%),
    recover(within = 4s),
    stages(stage(only, 5%)),
)]
async fn inconclusive_by_share(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

/// Each tenth request fails.
#[system(target = cargo_bin("target-server", args = "--port {port} --fail 10", ready = http("/health")))]
async fn at_the_limit(target: Service) -> Result<Client> {
    Client::connect(&target, 4).await
}

#[chaos_test(
    system = at_the_limit,
    hypothesis = "less than a tenth fails where it is a tenth",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 400ms),
    steady_state(error_rate < 50%),
    inject(latency(target, 2ms)),
    expect(error_rate < 10%),
    recover(within = 4s),
    stages(stage(only, 100%)),
)]
async fn inconclusive_by_samples(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[system(target = cargo_bin("target-server", args = "--port {port} --fail 50", ready = http("/health")))]
async fn failing(target: Service) -> Result<Client> {
    Client::connect(&target, 4).await
}

#[chaos_test(
    system = failing,
    hypothesis = "what is broken already survives more",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(kill(target)),
    expect(error_rate < 10%),
    recover(within = 4s),
    stages(stage(only, 1 instance)),
)]
async fn unsteady(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = two_connections,
    hypothesis = "nothing is lost while the only replica is down",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 20s),
    steady_state(error_rate < 10%),
    inject(down(target)),
    expect(error_rate < 10%),
    recover(within = 4s),
    halt_if(error_rate > 50%),
    stages(stage(only, 100%)),
)]
async fn halted(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}
