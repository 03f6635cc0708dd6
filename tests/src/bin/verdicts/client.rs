//! What is experimented on: a client with a fixed number of connections, in turn to each instance of its service.

use chaos_harness::BoxError;
use chaos_harness::prelude::*;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// A client that speaks HTTP/1.1 over connections that it keeps.
pub(crate) struct Client {
    slots: Vec<Slot>,
    next: AtomicUsize,
    /// Whether a lost connection is replaced.
    reconnects: bool,
}

struct Slot {
    address: SocketAddr,
    stream: Mutex<Option<BufStream<TcpStream>>>,
}

impl Client {
    /// A client with this many connections, all of them open.
    pub(crate) async fn connect(service: &Service, connections: usize) -> Result<Self> {
        let mut slots = Vec::new();
        for &address in service.addrs().iter().cycle().take(connections) {
            let stream = Mutex::new(Some(open(address).await?));
            slots.push(Slot { address, stream });
        }
        Ok(Self { slots, next: AtomicUsize::new(0), reconnects: true })
    }

    /// One that never opens a connection again that it has lost.
    pub(crate) fn without_reconnecting(self) -> Self {
        Self { reconnects: false, ..self }
    }

    /// Asks for a path on the next connection in turn.
    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>> {
        let slot = &self.slots[self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len()];
        let mut kept = slot.stream.lock().await;
        // Taken out: cut off in the middle, a conversation cannot be continued.
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None if self.reconnects => open(slot.address).await?,
            None => return Err("its connection was lost, and it does not open another".into()),
        };
        let (status, body) = converse(&mut stream, path).await?;
        *kept = Some(stream);
        if status == "HTTP/1.1 200 OK" { Ok(body) } else { Err(format!("answered {status}").into()) }
    }

    /// Gives a command to a Redis server, on the next connection in turn.
    pub(crate) async fn redis(&self, command: &str, expected: &str) -> Result {
        let slot = &self.slots[self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len()];
        let mut kept = slot.stream.lock().await;
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => open(slot.address).await?,
        };
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        stream.flush().await?;
        let answer = line(&mut stream).await?;
        *kept = Some(stream);
        if answer == expected { Ok(()) } else { Err(format!("answered {answer:?} to {command}").into()) }
    }
}

/// A client that opens a connection for each question, and waits for its end.
pub(crate) struct Visitor {
    address: SocketAddr,
}

impl Visitor {
    pub(crate) fn new(service: &Service) -> Self {
        Self { address: service.addr() }
    }

    /// Asks for a path, and reads until the service closes the connection.
    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>> {
        let mut stream = open(self.address).await?;
        let (status, body) = converse(&mut stream, path).await?;
        stream.shutdown().await?;
        stream.read_to_end(&mut Vec::new()).await?;
        if status == "HTTP/1.1 200 OK" { Ok(body) } else { Err(format!("answered {status}").into()) }
    }
}

async fn open(address: SocketAddr) -> io::Result<BufStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(BufStream::new(stream))
}

async fn converse(stream: &mut BufStream<TcpStream>, path: &str) -> Result<(String, Vec<u8>), BoxError> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: target\r\n\r\n").as_bytes()).await?;
    stream.flush().await?;
    let status = line(stream).await?;
    let mut length = 0;
    loop {
        let header = line(stream).await?;
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((status, body))
}

async fn line(stream: &mut BufStream<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"));
    }
    Ok(line.trim_end().to_owned())
}
