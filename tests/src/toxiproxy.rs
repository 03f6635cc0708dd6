//! A Toxiproxy server as a process of its own, and calls of its API.

use crate::wait::wait_until;
use serde_json::Value;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server. Dropped, it is killed.
#[derive(Debug)]
pub struct Toxiproxy {
    child: Child,
    address: SocketAddr,
}

impl Toxiproxy {
    /// Starts a program that prints the address of its API.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim().parse().map_err(|_| io::Error::other(format!("no address: {line}")))?;
        Ok(Self { child, address })
    }

    /// The original, where `TOXIPROXY_BIN` names one.
    pub fn original() -> io::Result<Option<Self>> {
        let Some(program) = std::env::var_os("TOXIPROXY_BIN") else { return Ok(None) };
        // Free a moment ago: it does not print which port it took.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let arguments = ["-host=127.0.0.1".to_owned(), format!("-port={}", address.port())];
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self { child: command.spawn()?, address };
        wait_until("the original listens", || TcpStream::connect(address).is_ok());
        Ok(Some(server))
    }

    /// Its address, as `CHAOS_TOXIPROXY` has it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The status and the JSON of its answer to a call.
    pub fn call(&self, method: &str, path: &str, body: &str) -> io::Result<(u16, Value)> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        Ok((status, serde_json::from_str(body).unwrap_or_default()))
    }

    /// The names of its proxies.
    pub fn proxies(&self) -> io::Result<Vec<String>> {
        let (_, proxies) = self.call("GET", "/proxies", "")?;
        Ok(proxies.as_object().map(|proxies| proxies.keys().cloned().collect()).unwrap_or_default())
    }
}

impl Drop for Toxiproxy {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
