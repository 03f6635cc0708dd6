//! The project whose month this is: a small crate with one chaos experiment on a service that it starts itself.

use std::path::Path;

/// How the crate's code takes a slow service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// It waits long enough.
    Healthy,
    /// It gives up on what is slow: too much only where all connections are.
    Impatient,
    /// It gives up on what is slow, and on some calls after it: too much as soon as many connections are slow.
    Panicky,
}

impl Code {
    /// `src/lib.rs`.
    pub(crate) fn source(self) -> String {
        let (patience, fright) = match self {
            Self::Healthy => (2_000, 0),
            Self::Impatient => (20, 0),
            Self::Panicky => (20, 6),
        };
        format!(
            r#"//! A client that greets.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::{{AtomicU32, Ordering}};
use std::time::Duration;
use tokio::io::{{AsyncBufReadExt, AsyncWriteExt, BufReader}};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_millis({patience});
const FRIGHT: u32 = {fright};
static AFRAID: AtomicU32 = AtomicU32::new(0);

pub async fn greet(greeter: SocketAddr) -> Result<(), Box<dyn Error + Send + Sync>> {{
    if AFRAID.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |calls| calls.checked_sub(1)).is_ok() {{
        return Err("still afraid".into());
    }}
    match tokio::time::timeout(PATIENCE, ask(greeter)).await {{
        Ok(answer) => Ok(answer?),
        Err(slow) => {{
            AFRAID.store(FRIGHT, Ordering::SeqCst);
            Err(slow.into())
        }}
    }}
}}

async fn ask(greeter: SocketAddr) -> std::io::Result<()> {{
    let mut connection = BufReader::new(TcpStream::connect(greeter).await?);
    connection.write_all(b"world\n").await?;
    let mut answer = String::new();
    connection.read_line(&mut answer).await.map(drop)
}}
"#
        )
    }
}

/// `tests/chaos.rs`.
#[derive(Debug, Clone)]
pub(crate) struct Experiment {
    /// A comment in the body: nothing of it is part of the definition.
    pub(crate) comment: &'static str,
    /// How long the faults last.
    pub(crate) turbulence: &'static str,
    /// What must hold meanwhile.
    pub(crate) expect: &'static str,
}

impl Default for Experiment {
    fn default() -> Self {
        Self { comment: "", turbulence: "600ms", expect: "error_rate < 60%" }
    }
}

impl Experiment {
    /// The line of its attribute.
    pub(crate) const LINE: u32 = 14;

    pub(crate) fn source(&self) -> String {
        let Self { comment, turbulence, expect } = self;
        format!(
            r#"//! What the crate withstands.
use chaos_harness::harness::Harness;
use chaos_harness::prelude::*;
use std::io::{{BufRead as _, BufReader, Write as _}};
use std::net::{{SocketAddr, TcpListener}};
use std::process::ExitCode;

#[system(greeter = cargo_bin("greeter", args = "--serve {{port}}", built = this_program().as_deref()))]
async fn app(greeter: Service) -> Result<SocketAddr> {{
    Ok(greeter.addr())
}}

// An experiment, whose attribute begins at line 14.
#[chaos_test(
    system = app,
    hypothesis = "greeting works while the greeter is slow",
    load(rate = 100/s, warmup = 50ms, baseline = 400ms, turbulence = {turbulence}),
    steady_state(error_rate < 10%),
    inject(latency(greeter, 60ms)),
    expect({expect}),
    recover(within = 5s),
    stages(stage(few, 10%), stage(many, 40%), stage(all, 100%)),
)]
async fn survives_a_slow_greeter(greeter: &SocketAddr) -> Result<()> {{
    {comment}
    Ok(shop::greet(*greeter).await?)
}}

fn this_program() -> Option<String> {{
    std::env::current_exe().ok()?.to_str().map(str::to_owned)
}}

fn main() -> ExitCode {{
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("--serve") {{
        return Harness::registered().main();
    }}
    let port: u16 = arguments.next().and_then(|port| port.parse().ok()).expect("a port");
    for connection in TcpListener::bind(("127.0.0.1", port)).expect("a free port").incoming().flatten() {{
        std::thread::spawn(move || {{
            for name in BufReader::new(&connection).lines().map_while(Result::ok) {{
                if writeln!(&connection, "hello {{name}}").is_err() {{
                    break;
                }}
            }}
        }});
    }}
    ExitCode::SUCCESS
}}
"#
        )
    }
}

/// The experiment, as the ledger calls it.
pub(crate) const STATE: &str = "shop/chaos/survives_a_slow_greeter.json";
pub(crate) const EVENTS: &str = "shop/chaos/survives_a_slow_greeter.events.jsonl";

/// Cargo.toml, with this project's own code in the place of a release.
pub(crate) fn manifest() -> String {
    let harness = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chaos-harness");
    format!(
        r#"[package]
name = "shop"
version = "0.1.0"
edition = "2024"
publish = false

[workspace]

[dependencies]
tokio = {{ version = "1", features = ["io-util", "net", "time"] }}

[dev-dependencies]
chaos-harness = {{ path = "{}" }}

[[test]]
name = "chaos"
harness = false
"#,
        harness.display()
    )
}

/// chaos.toml: a month is too long for a test, so two nights are enough, and seconds are hours.
pub(crate) const SETTINGS: &str = "[ledger]\nconfirmations = 2\ncool_down = \"20s\"\n";

/// .config/nextest.toml.
pub(crate) const NEXTEST: &str =
    include_str!("../../../chaos-harness/src/bin/cargo-chaos/init/templates/nextest.toml");
