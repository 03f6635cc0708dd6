//! The API over real sockets, byte for byte.

mod access;
mod json;
mod limits;
mod metrics;
#[cfg(target_os = "linux")]
mod model;
mod populate;
mod proxies;
mod server;
mod stuck;
mod toxics;

use super::{Api, ApiOptions};
use crate::Seed;
use crate::proxy::Proxy;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Nothing here takes long, but the machine may be busy.
const SOON: Duration = Duration::from_secs(20);

/// A proxy with its API.
struct Server {
    proxy: Proxy,
    api: Api,
}

impl Server {
    fn start() -> Self {
        Self::with(ApiOptions::default())
    }

    fn with(mut options: ApiOptions) -> Self {
        "127.0.0.1:0".clone_into(&mut options.listen);
        let proxy = Proxy::start(Seed::new(5)).expect("threads start");
        let api = proxy.serve_api(options).expect("a free port");
        Self { proxy, api }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.api.address()).expect("the API listens");
        stream.set_read_timeout(Some(SOON)).expect("a timeout");
        stream
    }

    /// Sends a request such as `GET /proxies`, and the body if there is one.
    fn send(&self, request: &str, body: &str) -> Reply {
        self.send_with(request, "", body)
    }

    /// The same with more header lines, each with its line break.
    fn send_with(&self, request: &str, headers: &str, body: &str) -> Reply {
        Reply::read(&self.raw(request, headers, body))
    }

    /// The whole answer.
    fn raw(&self, request: &str, headers: &str, body: &str) -> String {
        let mut stream = self.connect();
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        )
        .expect("the API reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer in time");
        answer
    }

    /// Creates a proxy that listens at a free port; where.
    fn create(&self, name: &str) -> String {
        let body = format!("{{\"name\":\"{name}\",\"listen\":\"127.0.0.1:0\",\"upstream\":\"127.0.0.1:9\"}}");
        let reply = self.send("POST /proxies", &body);
        assert_eq!(reply.status, 201, "{reply:?}");
        self.listen(name)
    }

    /// Where a proxy listens.
    fn listen(&self, name: &str) -> String {
        self.proxy.table().get(name).expect("it exists").listen()
    }
}

/// What clients look at.
#[derive(Debug, PartialEq, Eq)]
struct Reply {
    status: u16,
    content_type: Option<String>,
    no_sniff: bool,
    /// Whether it has a request id, which is another one each time.
    has_id: bool,
    body: String,
}

impl Reply {
    fn read(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).expect("a status");
        let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
        let header = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        if status.starts_with("204") {
            assert_eq!(header("Content-Length"), None, "{answer}");
        } else {
            // There is none in an answer to HEAD.
            assert_eq!(header("Content-Length").unwrap_or("0"), body.len().to_string(), "{answer}");
        }
        if let Some(id) = header("X-Toxiproxy-Request-Id") {
            assert_eq!(id.len(), 20, "{id}");
            assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v')), "{id}");
        }
        Self {
            status: status[..3].parse().expect("a number"),
            content_type: header("Content-Type").map(str::to_owned),
            no_sniff: header("X-Content-Type-Options") == Some("nosniff"),
            has_id: header("X-Toxiproxy-Request-Id").is_some(),
            body: body.to_owned(),
        }
    }

    fn json(status: u16, body: impl Into<String>) -> Self {
        let content_type = Some("application/json".to_owned());
        Self { status, content_type, no_sniff: false, has_id: true, body: body.into() }
    }

    fn error(status: u16, text: &str) -> Self {
        Self::plain(status, &format!("{{\"error\":\"{text}\",\"status\":{status}}}\n"))
    }

    fn plain(status: u16, body: &str) -> Self {
        let content_type = Some("text/plain; charset=utf-8".to_owned());
        Self { status, content_type, no_sniff: true, has_id: true, body: body.to_owned() }
    }

    fn empty(status: u16) -> Self {
        Self { status, content_type: None, no_sniff: false, has_id: true, body: String::new() }
    }

    /// One that no call answered.
    fn unrouted(self) -> Self {
        Self { has_id: false, ..self }
    }
}

/// A proxy without toxics, as it is printed.
fn shown(name: &str, listen: &str, upstream: &str, enabled: bool) -> String {
    with_toxics(name, listen, upstream, enabled, "")
}

fn with_toxics(name: &str, listen: &str, upstream: &str, enabled: bool, toxics: &str) -> String {
    format!(
        "{{\"name\":\"{name}\",\"listen\":\"{listen}\",\"upstream\":\"{upstream}\",\"enabled\":{enabled},\
         \"Logger\":{{}},\"toxics\":[{toxics}]}}"
    )
}
