//! The service behind the relays: one port that echoes, one that sends without end.

use crate::outcome::Outcome;
use crate::part;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The part's process.
pub(crate) fn run() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let echo = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let source = TcpListener::bind("127.0.0.1:0")?;
    let (echo_address, source_address) = (echo.local_addr()?, source.local_addr()?);
    runtime.spawn(echoes(echo));
    thread::spawn(move || {
        for stream in source.incoming().flatten() {
            thread::spawn(move || send(stream));
        }
    });
    part::serve(
        std::process::id(),
        || (),
        |words| match words {
            ["addresses"] => Ok(format!("{echo_address} {source_address}")),
            _ => Err("there is no such command".into()),
        },
    );
    Ok(())
}

async fn echoes(listener: tokio::net::TcpListener) {
    loop {
        // Descriptors can run out for a moment: the row that needs this connection says so.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(echo(stream));
        }
    }
}

async fn echo(mut stream: tokio::net::TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}

/// Sends from the first byte received until the peer leaves.
fn send(mut stream: TcpStream) {
    let chunk = vec![0x5a; 128 * 1024];
    let mut start = [0];
    if stream.read_exact(&mut start).is_ok() {
        while stream.write_all(&chunk).is_ok() {}
    }
}

/// Where the service listens.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) echo: SocketAddr,
    pub(crate) source: SocketAddr,
}

/// The service's process, as the measuring side sees it.
pub(crate) struct Service {
    pub(crate) addresses: Addresses,
    _part: part::Part,
}

impl Service {
    pub(crate) fn start() -> Outcome<Self> {
        let mut part = part::Part::start("service")?;
        let answer = part.ask("addresses")?;
        let (echo, source) = answer.split_once(' ').ok_or("the service has two addresses")?;
        Ok(Self { addresses: Addresses { echo: echo.parse()?, source: source.parse()? }, _part: part })
    }
}
