//! A Toxiproxy server that outlives the crash, as nothing of the embedded proxy does: this program once more, in a process
//! that neither the test nor its guard started.

use crate::Outcome;
use chaos_harness::Seed;
use chaos_harness::proxy::{ApiOptions, Proxy};
use serde_json::{Map, Value};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The proxy of someone else.
const THEIRS: &str = "theirs";

/// A server. Dropped, it ends.
pub(crate) struct Toxiproxy {
    child: Child,
    address: SocketAddr,
    /// What it had before any crash.
    before: Map<String, Value>,
}

/// The server's side: prints the address of its API, and ends with whoever started it.
pub(crate) fn serve() -> Outcome<()> {
    let proxy = Proxy::start(Seed::new(1))?;
    let listen = "127.0.0.1:0".to_owned();
    let api = proxy.serve_api(ApiOptions { listen, ..ApiOptions::default() })?;
    println!("{}", api.address());
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

impl Toxiproxy {
    /// Starts one, which has a proxy with a toxic already. Nothing about it carries the token of a crash.
    pub(crate) fn start() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("toxiproxy").env_clear().current_dir("/");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or("a server without an output")?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse()?;
        let mut server = Self { child, address, before: Map::new() };
        let proxy = format!(r#"{{"name": "{THEIRS}", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}}"#);
        server.call("POST", "/proxies", &proxy)?;
        let toxic = r#"{"name": "chaos-0", "type": "latency", "attributes": {"latency": 7}}"#;
        server.call("POST", &format!("/proxies/{THEIRS}/toxics"), toxic)?;
        server.before = server.proxies()?;
        Ok(server)
    }

    /// Its address, as `CHAOS_TOXIPROXY` has it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Proxies that it had not before, or has otherwise; toxics are a part of theirs.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let now = match self.proxies() {
            Ok(now) => now,
            Err(error) => return vec![format!("no answer of the Toxiproxy: {error}")],
        };
        let changed = now.iter().filter(|(name, proxy)| self.before.get(*name) != Some(*proxy));
        let changed = changed.map(|(name, proxy)| format!("proxy {name} {proxy}"));
        let lost = self.before.keys().filter(|name| !now.contains_key(*name));
        changed.chain(lost.map(|name| format!("the proxy {name} of someone else is gone"))).collect()
    }

    fn proxies(&self) -> Outcome<Map<String, Value>> {
        Ok(serde_json::from_str(&self.call("GET", "/proxies", "")?)?)
    }

    /// The body of its answer, which must be a success.
    fn call(&self, method: &str, path: &str, body: &str) -> Outcome<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let (host, length) = (self.address, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}"
        );
        write!(stream, "{head}\r\n\r\n{body}")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 2") => Ok(body.to_owned()),
            _ => Err(format!("{method} {path}: {answer}").into()),
        }
    }
}

impl Drop for Toxiproxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
