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

/// What cannot be connected to, as it is said in too many words.
fn refusal() -> String {
    format!("postgres://me:{IN_URL}@db does not take {MARKED}")
}

#[chaos_test(
    system = knowing,
    hypothesis = "nothing is lost",
    load(rate = 200/s, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(down(target)),
    expect(error_rate < 10%),
    stages(100%),
)]
#[expect(clippy::panic, reason = "a panic is what a broken invariant is")]
async fn panic_of_operation(client: &Client) -> Result {
    client.get("/").await?;
    panic!("{}", refusal())
}

/// What an operation starts itself, no report is made of: its panics are printed.
#[chaos_test(
    system = knowing,
    hypothesis = "what runs in the background is of no concern",
    load(rate = 200/s, baseline = 400ms, turbulence = 500ms),
    steady_state(error_rate < 10%),
    inject(latency(target, 1ms)),
    expect(error_rate < 10%),
    stages(100%),
)]
#[expect(clippy::panic, reason = "a panic is what it is about")]
async fn panic_in_background(_: &Client) -> Result {
    let task = tokio::spawn(async { panic!("a task: {}", refusal()) });
    let thread = std::thread::spawn(|| panic!("a thread: {}", refusal()));
    let task: Result<(), _> = task.await;
    let thread: Result<(), _> = thread.join();
    if task.is_ok() || thread.is_ok() { Err("neither went well".into()) } else { Ok(()) }
}

/// Those that the attributes do not write.
pub(crate) fn experiments() -> [Experiment; 2] {
    let start = knowing_by_hand().start(|_| async { Err::<Client, BoxError>(refusal().into()) });
    #[expect(clippy::expect_used, reason = "a panic is what it is about")]
    let panic = knowing_by_hand().start(|services| async move {
        let client = Client::connect(&services.get("target")?, 4).await?;
        let refused: Result<Client> = client.get("/").await.and_then(|_| Err(refusal().into()));
        Ok::<_, BoxError>(refused.expect("it takes them"))
    });
    [quick("secrets::error_of_start", start), quick("secrets::panic_of_start", panic)]
}

fn knowing_by_hand() -> chaos_harness::system::SystemBuilder {
    let server = chaos_harness::system::cargo_bin("target-server")
        .args("--port {port} --password argument-horse-3")
        .env(("SEED", Secret::new(MARKED)))
        .ready(Ready::http("/health"));
    System::new("knowing").service("target", server)
}

fn quick(name: &str, system: System<Client>) -> Experiment {
    let load = Load::new().rate(Rate::per_second(200)).baseline(Duration::from_millis(400));
    Experiment::new(name, system, |client| async move { client.get("/").await })
        .load(load.turbulence(Duration::from_millis(500)))
        .steady_state([metric::error_rate().below(Percent::new(10))])
        .expect([metric::error_rate().below(Percent::new(10))])
        .inject([fault::down("target").into()])
        .stages([Stage::percent::<100>()])
}
