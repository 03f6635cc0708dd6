//! The service behind the relays: one port that echoes, one that sends without end, and one that does so piece by piece.

use crate::outcome::Outcome;
use crate::part;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What a slicer is measured with.
pub(crate) const PIECE: usize = 64;

/// The part's process.
pub(crate) fn run() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let echo = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let echo_address = echo.local_addr()?;
    runtime.spawn(echoes(echo));
    let (source_address, pieces_address) = (source(128 * 1024)?, source(PIECE)?);
    part::serve(
        std::process::id(),
        || (),
        |words| match words {
            ["addresses"] => Ok(format!("{echo_address} {source_address} {pieces_address}")),
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

/// A port whose connections get writes of this size without end.
fn source(size: usize) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || send(stream, size));
        }
    });
    Ok(address)
}

/// Sends from the first byte received until the peer leaves.
fn send(mut stream: TcpStream, size: usize) {
    let chunk = vec![0x5a; size];
    let mut start = [0];
    // Without it small writes would be joined.
    let _ = stream.set_nodelay(true);
    if stream.read_exact(&mut start).is_ok() {
        while stream.write_all(&chunk).is_ok() {}
    }
}

/// Where the service listens.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) echo: SocketAddr,
    pub(crate) source: SocketAddr,
    /// A source that writes [`PIECE`]s.
    pub(crate) pieces: SocketAddr,
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
        let [echo, source, pieces] = *answer.split(' ').collect::<Vec<_>>() else {
            return Err("the service has three addresses".into());
        };
        let addresses = Addresses { echo: echo.parse()?, source: source.parse()?, pieces: pieces.parse()? };
        Ok(Self { addresses, _part: part })
    }
}
