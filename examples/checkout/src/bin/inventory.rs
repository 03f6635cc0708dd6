//! The inventory service: how many of each article are in stock.

use std::{
    env,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use axum::{Json, Router, extract::Path, http::StatusCode, routing::get};
use tokio::{
    net::TcpListener,
    select,
    signal::unix::{SignalKind, signal},
};

const USAGE: &str = "usage: inventory --port <port> [--host <address>]";

/// Stock movements per article. With these an answer costs a few tenths of a millisecond of CPU time in a debug
/// build, so that a lack of CPU time shows.
const MOVEMENTS: u32 = 120_000;

fn main() -> ExitCode {
    match Address::parse(env::args().skip(1)).map_err(Failure::from).and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("inventory: {failure}");
            failure.exit_code()
        }
    }
}

// One thread per replica: ten of them share the machine with everything else.
#[tokio::main(flavor = "current_thread")]
async fn serve(Address(address): Address) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await.map_err(|source| Failure::Listen { address, source })?;
    let address = listener.local_addr()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let service =
        Router::new().route("/health", get(async || StatusCode::OK)).route("/stock/{sku}", get(stock));
    // It serves just as well if nobody reads this.
    let _ = writeln!(io::stdout(), "inventory listening on {address}");
    let stopped = async move {
        select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(axum::serve(listener, service).with_graceful_shutdown(stopped).await?)
}

async fn stock(Path(sku): Path<String>) -> Json<serde_json::Value> {
    let available = available(&sku);
    Json(serde_json::json!({ "sku": sku, "available": available }))
}

/// Adds up the article's movements, the oldest first. They are made up from its name: the same article always has the
/// same stock.
fn available(sku: &str) -> u32 {
    let mut movement =
        sku.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut stock = 500_u32;
    for _ in 0..MOVEMENTS {
        movement ^= movement << 13;
        movement ^= movement >> 17;
        movement ^= movement << 5;
        let delivered = movement % 10;
        let sold = (movement >> 16) % 10;
        stock = (stock + delivered).saturating_sub(sold).clamp(100, 999);
    }
    stock
}

#[derive(Debug, PartialEq, Eq)]
struct Address(SocketAddr);

impl Address {
    fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, UsageError> {
        let mut arguments = arguments.into_iter();
        let mut port: Option<u16> = None;
        let mut host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| UsageError(format!("{option} needs a value")));
            match option.as_str() {
                "--port" => {
                    let value = value()?;
                    port = Some(value.parse().map_err(|_| UsageError(format!("no port: {value:?}")))?);
                }
                "--host" => {
                    let value = value()?;
                    host = value.parse().map_err(|_| UsageError(format!("no IP address: {value:?}")))?;
                }
                other => return Err(UsageError(format!("unknown argument {other:?}"))),
            }
        }
        let port = port.ok_or_else(|| UsageError("--port is missing".to_owned()))?;
        Ok(Self(SocketAddr::new(host, port)))
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}\n{USAGE}")]
struct UsageError(String);

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Listen { .. } | Self::Io(_) => ExitCode::FAILURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<String, String> {
        let address = Address::parse(line.split_whitespace().map(str::to_owned));
        address.map(|Address(address)| address.to_string()).map_err(|error| error.0)
    }

    #[test]
    fn the_host_is_loopback_unless_given() {
        assert_eq!(parse("--port 7001").unwrap(), "127.0.0.1:7001");
        assert_eq!(parse("--host 0.0.0.0 --port 7001").unwrap(), "0.0.0.0:7001");
        assert_eq!(parse("--host ::1 --port 7001").unwrap(), "[::1]:7001");
    }

    #[test]
    fn wrong_arguments_are_named() {
        assert_eq!(parse("").unwrap_err(), "--port is missing");
        assert_eq!(parse("--port").unwrap_err(), "--port needs a value");
        assert_eq!(parse("--port 70000").unwrap_err(), "no port: \"70000\"");
        assert_eq!(parse("--port 1 --host nowhere").unwrap_err(), "no IP address: \"nowhere\"");
        assert_eq!(parse("7001").unwrap_err(), "unknown argument \"7001\"");
    }

    #[test]
    fn an_article_always_has_the_same_stock_and_never_none() {
        for number in 0..50 {
            let sku = format!("sku-{number}");
            assert_eq!(available(&sku), available(&sku));
            assert!(available(&sku) >= 100);
        }
    }
}
