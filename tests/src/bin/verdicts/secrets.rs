//! A service and a workload that know secrets, and say them wherever they can.

use crate::client::Client;
use chaos_harness::prelude::*;
use chaos_harness::{Load, fault, metric};
use std::time::Duration;

/// Marked as a secret.
const MARKED: &str = "marked-horse-1";
/// In a URL.
const IN_URL: &str = "url-horse-2";

/// The server has them from its variables and arguments, and says them in its log.
#[system(target = cargo_bin(
    "target-server",
    args = "--port {port} --reveal PASSPHRASE,SEED,UPSTREAM --password argument-horse-3",
    env = ("SEED", Secret::new(MARKED)),
    env = "PASSPHRASE=named-horse-4",
    env = "UPSTREAM=redis://me:url-horse-2@127.0.0.1:{port}/0",
    ready = http("/health"),
))]
async fn knowing(target: Service) -> Result<Client> {
    Client::connect(&target, 4).await
}

/// Each failure says all of them, the first where messages are cut to their length.
fn indiscreet(error: &BoxError) -> BoxError {
    let others = format!("not even as redis://me:{IN_URL}@host, named-horse-4 or argument-horse-3");
    let before = format!("{others}: {error}");
    format!("{before:.<190}{MARKED}").into()
}

#[chaos_test(
    system = knowing,
    hypothesis = "an outage is not noticed, not even with marked-horse-1",
    load(rate = 200/s, warmup = 100ms, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(down(target)),
    expect(error_rate < 10%),
    stages(100%),
)]
async fn refuted(client: &Client) -> Result {
    client.get("/").await.map(drop).map_err(|error| indiscreet(&error))
}

/// The test's own code cannot build the system, and says why in too many words.
pub(crate) fn error_of_start() -> Experiment {
    let server = chaos_harness::system::cargo_bin("target-server")
        .args("--port {port} --password argument-horse-3")
        .env(("SEED", Secret::new(MARKED)))
        .ready(Ready::http("/health"));
    let system = System::new("knowing").service("target", server).start(|_| async {
        Err::<Client, BoxError>(format!("postgres://me:{IN_URL}@db does not take {MARKED}").into())
    });
    let load = Load::new().rate(Rate::per_second(200)).baseline(Duration::from_millis(400));
    Experiment::new("secrets::error_of_start", system, |client| async move { client.get("/").await })
        .load(load.turbulence(Duration::from_millis(500)))
        .steady_state([metric::error_rate().below(Percent::new(10))])
        .expect([metric::error_rate().below(Percent::new(10))])
        .inject([fault::down("target").into()])
        .stages([Stage::percent::<100>()])
}
