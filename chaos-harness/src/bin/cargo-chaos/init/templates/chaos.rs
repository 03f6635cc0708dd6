//! Chaos experiments: `cargo test --test chaos` runs them, `cargo chaos list` shows them all.
//!
//! This sample runs as it stands. Its service is this program itself, started once more with `--serve PORT`: replace what is
//! marked "yours".

use chaos_harness::harness::Harness;
use chaos_harness::prelude::*;
use std::io::{self, BufRead as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Yours: the services, and what runs them: `container("redis:7", port = 6379)`, `cargo_bin("my-server", args = "--port {port}")`
/// or `process("redis-server --port {port}")`. The address that the function is given leads through the proxy that faults are
/// injected into.
#[system(greeter = cargo_bin("greeter", args = "--serve {port}", built = this_program().as_deref()))]
async fn app(greeter: Service) -> Result<Client> {
    Ok(Client { greeter: greeter.addr() })
}

/// Yours: the client or the app that is to withstand faults.
struct Client {
    greeter: SocketAddr,
}

impl Client {
    async fn greet(&self) -> Result<()> {
        let mut connection = BufReader::new(TcpStream::connect(self.greeter).await?);
        connection.write_all(b"world\n").await?;
        let mut answer = String::new();
        connection.read_line(&mut answer).await?;
        if answer == "hello world\n" { Ok(()) } else { Err(format!("the answer was {answer:?}").into()) }
    }
}

/// One operation, started over and over: before, while and after a share of the connections is slow. The gate runs the smallest
/// stage; larger ones are earned, night by night.
#[chaos_test(
    system = app,
    hypothesis = "greeting works while some connections are slow",
    load(rate = 100/s, warmup = 200ms, baseline = 1s, turbulence = 3s),
    steady_state(p50 < 500ms, error_rate < 5%),
    inject(latency(greeter, 50ms)),
    expect(p90 < 1s, error_rate < 5%),
    recover(within = 5s),
    stages(5%, 20%, 50%),
)]
async fn survives_slow_connections(client: &Client) -> Result<()> {
    client.greet().await
}

// With a service of your own, `chaos_harness::main!();` is all that is needed below.
fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("--serve") {
        return Harness::registered().main();
    }
    match serve(arguments.next().as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn this_program() -> Option<String> {
    std::env::current_exe().ok()?.to_str().map(str::to_owned)
}

/// The sample's service: it answers each line with a greeting.
fn serve(port: Option<&str>) -> io::Result<()> {
    let port = port.and_then(|port| port.parse().ok()).unwrap_or_default();
    for connection in TcpListener::bind(("127.0.0.1", port))?.incoming() {
        let connection = connection?;
        std::thread::spawn(move || {
            let lines = io::BufReader::new(&connection).lines().map_while(Result::ok);
            for name in lines {
                if writeln!(&connection, "hello {name}").is_err() {
                    break;
                }
            }
        });
    }
    Ok(())
}
