//! A `toxiproxy-server`, driven over its HTTP API.

use super::{Driver, Toxic};
use crate::outcome::Outcome;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Names the server's binary.
pub(super) const BINARY: &str = "TOXIPROXY_BIN";

/// The server, which must not outlive this process.
static SERVER: Mutex<Option<Child>> = Mutex::new(None);

pub(super) struct Toxiproxy {
    worker: u32,
    connection: BufReader<TcpStream>,
}

/// Ends the server, where this process has one.
pub(super) fn end() {
    if let Some(mut server) = SERVER.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // It may have ended by itself.
        let _ = server.kill();
        let _ = server.wait();
    }
}

impl Toxiproxy {
    pub(super) fn start() -> Outcome<Self> {
        let binary = std::env::var_os(BINARY).ok_or("no binary is named")?;
        // Below the ephemeral range: there the server sometimes does not come up.
        let port = 20_000 + std::process::id() % 10_000;
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(binary);
        command.args(["-host", "127.0.0.1", "-port", &port.to_string()]);
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let worker = server.id();
        *SERVER.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        let connection = connect(&address)?;
        connection.set_nodelay(true)?;
        Ok(Self { worker, connection: BufReader::new(connection) })
    }

    pub(super) fn worker(&self) -> u32 {
        self.worker
    }

    fn call(&mut self, method: &str, path: &str, body: &str) -> Outcome<Value> {
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}");
        self.connection.get_mut().write_all(request.as_bytes())?;
        let mut status = String::new();
        self.connection.read_line(&mut status)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.connection.read_line(&mut line)?;
            match line.trim().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse()?;
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut answer = vec![0; length];
        self.connection.read_exact(&mut answer)?;
        if status.split(' ').nth(1).is_some_and(|code| code.starts_with('2')) {
            return Ok(if length == 0 { Value::Null } else { serde_json::from_slice(&answer)? });
        }
        Err(format!("{method} {path}: {}", status.trim()).into())
    }
}

fn connect(address: &str) -> Outcome<TcpStream> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

impl Driver for Toxiproxy {
    fn open(&mut self, route: usize, upstream: SocketAddr) -> Outcome<SocketAddr> {
        let body = json!({ "name": format!("r{route}"), "listen": "127.0.0.1:0", "upstream": upstream });
        let answer = self.call("POST", "/proxies", &body.to_string())?;
        Ok(answer["listen"].as_str().ok_or("the answer has no address")?.parse()?)
    }

    fn add(&mut self, route: usize, toxic: Toxic) -> Outcome<()> {
        let attributes = match toxic {
            Toxic::Latency { milliseconds } => json!({ "latency": milliseconds }),
            Toxic::Bandwidth { rate } => json!({ "rate": rate }),
            Toxic::Slicer { average } => json!({ "average_size": average }),
        };
        let body = json!({ "name": toxic.kind(), "type": toxic.kind(), "attributes": attributes });
        self.call("POST", &format!("/proxies/r{route}/toxics"), &body.to_string())?;
        Ok(())
    }

    fn remove(&mut self, route: usize, toxic: Toxic) -> Outcome<()> {
        self.call("DELETE", &format!("/proxies/r{route}/toxics/{}", toxic.kind()), "")?;
        Ok(())
    }
}
