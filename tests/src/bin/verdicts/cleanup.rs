//! Experiments that are cut off in the middle.

use crate::client::Client;
use chaos_harness::prelude::*;

/// What was built on the service, and the file in which its end is told.
struct Told {
    client: Client,
    file: Option<std::path::PathBuf>,
}

#[system(
    target = cargo_bin("target-server", args = "--port {port}", replicas = 2, ready = http("/health")),
    stop = tell,
)]
async fn told(target: Service) -> Result<Told> {
    let file = std::env::var_os("CHAOS_TEST_STOPPED").map(Into::into);
    Ok(Told { client: Client::connect(&target, 8).await?, file })
}

/// Says whether the service was still there.
async fn tell(told: Told) -> Result {
    let answer = told.client.get("/health").await.map_err(|error| error.to_string());
    let text = match &answer {
        Ok(answer) => String::from_utf8_lossy(answer),
        Err(error) => error.into(),
    };
    Ok(told.file.map_or(Ok(()), |file| std::fs::write(file, text.as_bytes()))?)
}

#[chaos_test(
    system = told,
    hypothesis = "it goes on for long",
    load(rate = 100/s, warmup = 0s, baseline = 400ms, turbulence = 120s),
    steady_state(error_rate < 20%),
    inject(latency(target, 2ms), pause(target)),
    expect(error_rate < 100%),
    stages(stage(only, 1 instance)),
)]
async fn long(told: &Told) -> Result<Vec<u8>> {
    told.client.get("/").await
}

#[system(
    target = cargo_bin("target-server", args = "--port {port}", replicas = 2, ready = http("/health")),
    stop = never,
)]
async fn stuck_at_its_end(target: Service) -> Result<Client> {
    Client::connect(&target, 8).await
}

async fn never(_: Client) -> Result {
    std::future::pending().await
}

#[chaos_test(
    system = stuck_at_its_end,
    hypothesis = "it goes on for long, and its end for ever",
    load(rate = 100/s, warmup = 0s, baseline = 400ms, turbulence = 120s),
    steady_state(error_rate < 20%),
    inject(latency(target, 2ms), pause(target)),
    expect(error_rate < 100%),
    stages(stage(only, 1 instance)),
)]
async fn stuck(client: &Client) -> Result<Vec<u8>> {
    client.get("/").await
}

#[chaos_test(
    system = told,
    hypothesis = "no operation ever ends",
    load(rate = 100/s, warmup = 0s, baseline = 400ms, turbulence = 120s, timeout = 10min),
    steady_state(error_rate < 20%),
    inject(latency(target, 2ms)),
    expect(error_rate < 100%),
    stages(stage(only, 1 instance)),
)]
async fn endless(told: &Told) -> Result {
    // The first phase does end, so that there is a second.
    static OPERATIONS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    if OPERATIONS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 40 {
        return told.client.get("/").await.map(drop);
    }
    std::future::pending().await
}

#[chaos_test(
    system = told,
    hypothesis = "operations block their threads",
    load(rate = 100/s, warmup = 0s, baseline = 400ms, turbulence = 120s, timeout = 500ms),
    steady_state(error_rate < 20%),
    inject(latency(target, 2ms)),
    expect(error_rate < 100%),
    stages(stage(only, 1 instance)),
)]
async fn blocking(told: &Told) -> Result {
    static OPERATIONS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    if OPERATIONS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 40 {
        return told.client.get("/").await.map(drop);
    }
    loop {
        std::thread::park();
    }
}
