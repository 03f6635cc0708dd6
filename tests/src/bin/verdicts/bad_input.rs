//! Experiments that cannot be: each ends in one clear error.

use crate::client::Client;
use chaos_harness::prelude::*;

#[system(target = cargo_bin("target-server", args = "--port {port}"))]
async fn fine(target: Service) -> Result<Client> {
    Client::connect(&target, 4).await
}

#[chaos_test(
    system = fine,
    hypothesis = "it is decided by too few",
    load(rate = 100/s, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 20%),
    inject(kill(target)),
    expect(error_rate < 1%),
)]
async fn undecidable(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

/// The port is the test's, which listens on it.
#[system(target = process("sh -c 'exec \"$TARGET_SERVER\" --port \"$TAKEN_PORT\"; # {port}'", ready_within = 5s))]
async fn on_a_taken_port(target: Service) -> Result<Client> {
    Client::connect(&target, 1).await
}

#[chaos_test(
    system = on_a_taken_port,
    hypothesis = "it starts",
    steady_state(error_rate < 20%),
    inject(kill(target)),
    expect(error_rate < 10%),
)]
async fn port_in_use(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[system(target = process("no-such-server --port {port}"))]
async fn of_no_command(target: Service) -> Result<Client> {
    Client::connect(&target, 1).await
}

#[chaos_test(
    system = of_no_command,
    hypothesis = "it starts",
    steady_state(error_rate < 20%),
    inject(kill(target)),
    expect(error_rate < 10%),
)]
async fn command_not_found(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[system(target = cargo_bin("target-server", args = "--port {port} --never-listen", ready_within = 800ms))]
async fn silent(target: Service) -> Result<Client> {
    Client::connect(&target, 1).await
}

#[chaos_test(
    system = silent,
    hypothesis = "it starts",
    steady_state(error_rate < 20%),
    inject(kill(target)),
    expect(error_rate < 10%),
)]
async fn never_ready(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[system(
    target = cargo_bin(
        "target-server",
        args = "--port {port} --slow-start 500",
        ready = log("listening on"),
        ready_within = 20s,
    ),
)]
async fn slow(target: Service) -> Result<Client> {
    Client::connect(&target, 4).await
}

/// The counterpart: slow, but within its limit.
#[chaos_test(
    system = slow,
    hypothesis = "a slow start is waited for",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(latency(target, 2ms)),
    expect(error_rate < 10%),
    stages(stage(only, 100%)),
)]
async fn slow_start(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[system(target = cargo_bin("never-built", args = "--port {port}"))]
async fn of_no_binary(target: Service) -> Result<Client> {
    Client::connect(&target, 1).await
}

#[chaos_test(
    system = of_no_binary,
    hypothesis = "it starts",
    steady_state(error_rate < 20%),
    inject(kill(target)),
    expect(error_rate < 10%),
)]
async fn not_built(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[system(target = external("nowhere.invalid:80").allow_faults())]
async fn of_nowhere(target: Service) -> Result<Client> {
    Client::connect(&target, 1).await
}

#[chaos_test(
    system = of_nowhere,
    hypothesis = "it starts",
    steady_state(error_rate < 20%),
    inject(down(target)),
    expect(error_rate < 10%),
    stages(stage(only, 100%)),
)]
async fn unresolved(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[system(target = container("chaos-harness-no-such-image:0", port = 80))]
async fn of_no_image(target: Service) -> Result<Client> {
    Client::connect(&target, 1).await
}

#[chaos_test(
    system = of_no_image,
    hypothesis = "it starts",
    steady_state(error_rate < 20%),
    inject(kill(target)),
    expect(error_rate < 10%),
)]
async fn wrong_image(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}
