//! Asking a Docker engine a question within a time limit, with or without a runtime. Of its answer only what is needed is read:
//! the models of a whole client's take seconds to compile.

use crate::clock;
use crate::engine_address::EngineAddress;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
#[cfg(feature = "docker")]
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How long any one probe may take.
pub(crate) const PROBE_LIMIT: Duration = Duration::from_millis(300);

/// More than any engine has to say of itself.
const LONGEST_ANSWER: usize = 1 << 20;

/// More than there is to say of ten thousand containers.
#[cfg(feature = "docker")]
const LONGEST_LISTING: usize = 64 << 20;

/// As much as is shown of why it refuses, in characters.
const LONGEST_REFUSAL: usize = 300;

/// The status of the engine's answer to `GET path`.
pub(crate) fn get(engine: &EngineAddress, path: &str) -> io::Result<u16> {
    let deadline = clock::now() + PROBE_LIMIT;
    let mut socket = open(engine, path, deadline)?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && read(&mut socket, &mut answer, deadline)? {}
    status(&answer).ok_or_else(no_http)
}

/// What the engine says to `GET path`, asked by a thread that waits for it.
pub(crate) fn ask_now<T: DeserializeOwned>(
    engine: &EngineAddress,
    path: &str,
    limit: Duration,
) -> io::Result<T> {
    understand(path, get_whole(engine, path, limit)?)
}

/// What the engine says to `GET path`.
#[cfg(feature = "docker")]
pub(crate) async fn ask<T: DeserializeOwned>(
    engine: &EngineAddress,
    path: &str,
    limit: Duration,
) -> io::Result<T> {
    use tokio::net::{TcpStream, UnixStream};
    let get = async {
        match engine {
            EngineAddress::Unix(socket) => exchange(UnixStream::connect(socket).await?, path).await,
            EngineAddress::Tcp(address) => exchange(TcpStream::connect(address).await?, path).await,
            EngineAddress::Unsupported(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    };
    let answer =
        tokio::time::timeout(limit, get).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
    understand(path, answer?)
}

/// Filters of a listing, as a query has them: what carries this label.
#[cfg(feature = "docker")]
pub(crate) fn of_label(name: &str, value: &str) -> String {
    let filters = serde_json::json!({ "label": [format!("{name}={value}")] }).to_string();
    format!("filters={}", percent_encoding::utf8_percent_encode(&filters, percent_encoding::NON_ALPHANUMERIC))
}

#[cfg(feature = "docker")]
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> io::Result<(u16, Vec<u8>)> {
    stream.write_all(request(path).as_bytes()).await?;
    let mut answer = Vec::new();
    while !is_whole(&answer, LONGEST_LISTING)? && stream.read_buf(&mut answer).await? > 0 {}
    parts(answer)
}

/// HTTP/1.0: the engine closes the connection after its answer, and does not cut it into chunks. The path says no version of the
/// API: those that this asks for have always said what is read of them, and engines differ in the versions that they have.
fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n")
}

/// What an engine says where it refuses.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

fn understand<T: DeserializeOwned>(path: &str, (status, body): (u16, Vec<u8>)) -> io::Result<T> {
    if status == 200 {
        return serde_json::from_slice(&body).map_err(io::Error::from);
    }
    let said = match serde_json::from_slice(&body) {
        Ok(Refusal { message }) => message,
        Err(_) => String::from_utf8_lossy(&body).into_owned(),
    };
    let said: String = said.trim().chars().take(LONGEST_REFUSAL).collect();
    let asked = path.split('?').next().unwrap_or(path);
    Err(io::Error::other(format!("it answers {status} to GET {asked}: {said}")))
}

/// The beginning of an answer.
struct Head {
    status: u16,
    /// How long it is itself.
    length: usize,
    /// How long what follows is, where it says so.
    body: Option<usize>,
}

impl Head {
    /// `None` where it is not all there.
    fn of(answer: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
        let text = String::from_utf8_lossy(&answer[..end]);
        let fields = text.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut body = None;
        for (name, value) in fields.map(|(name, value)| (name.trim(), value.trim())) {
            if name.eq_ignore_ascii_case("transfer-encoding") {
                let why = "the answer is in chunks, to a question in HTTP/1.0: it comes from no engine";
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            if name.eq_ignore_ascii_case("content-length") {
                body = Some(value.parse().map_err(|_| no_http())?);
            }
        }
        let status = status(answer).ok_or_else(no_http)?;
        Ok(Some(Self { status, length: end + 4, body }))
    }
}

/// Whether all of an answer is there. Where it does not say how long it is, it ends with the connection.
fn is_whole(answer: &[u8], most: usize) -> io::Result<bool> {
    if answer.len() > most {
        let why = format!("the answer has more than {} MiB", most >> 20);
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let Some(head) = Head::of(answer)? else { return Ok(false) };
    Ok(head.body.is_some_and(|body| answer.len() - head.length >= body))
}

/// The status and the body.
fn parts(mut answer: Vec<u8>) -> io::Result<(u16, Vec<u8>)> {
    let head = Head::of(&answer)?.ok_or_else(no_http)?;
    let mut body = answer.split_off(head.length);
    if let Some(length) = head.body {
        if body.len() < length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ends in the middle"));
        }
        body.truncate(length);
    }
    Ok((head.status, body))
}

/// The status and the body of the engine's answer to `GET path`, which is told whole within this time.
fn get_whole(engine: &EngineAddress, path: &str, limit: Duration) -> io::Result<(u16, Vec<u8>)> {
    let deadline = clock::now() + limit;
    let mut socket = open(engine, path, deadline)?;
    let mut answer = Vec::new();
    while !is_whole(&answer, LONGEST_ANSWER)? && read(&mut socket, &mut answer, deadline)? {}
    parts(answer)
}

fn no_http() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP")
}

/// A connection on which the engine has been asked.
fn open(engine: &EngineAddress, path: &str, deadline: Instant) -> io::Result<Socket> {
    let mut socket = match engine {
        EngineAddress::Unix(path) => {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.connect_timeout(&SockAddr::unix(path)?, left(deadline)?)?;
            socket
        }
        EngineAddress::Tcp(address) => connect(address, deadline)?,
        EngineAddress::Unsupported(_) => return Err(io::ErrorKind::Unsupported.into()),
    };
    socket.set_write_timeout(Some(left(deadline)?))?;
    socket.write_all(request(path).as_bytes())?;
    Ok(socket)
}

/// Reads what is there; whether there may be more.
fn read(socket: &mut Socket, answer: &mut Vec<u8>, deadline: Instant) -> io::Result<bool> {
    let mut chunk = [0; 4096];
    socket.set_read_timeout(Some(left(deadline)?))?;
    let count = socket.read(&mut chunk)?;
    answer.extend_from_slice(&chunk[..count]);
    Ok(count > 0)
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = String::from_utf8_lossy(answer);
    let mut words = line.split_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/"))?;
    words.next()?.parse().ok()
}

/// Whether something accepts connections at `address` (`host:port`).
pub(crate) fn reach(address: &str) -> io::Result<()> {
    connect(address, clock::now() + PROBE_LIMIT).map(drop)
}

fn connect(address: &str, deadline: Instant) -> io::Result<Socket> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in resolve(address, left(deadline)?)? {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        match socket.connect_timeout(&address.into(), left(deadline)?) {
            Ok(()) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Name resolution has no time limit of its own: one that takes longer is left behind on its thread.
fn resolve(address: &str, limit: Duration) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = address.parse() {
        return Ok(vec![address]);
    }
    let (answer, resolved) = mpsc::sync_channel(1);
    let address = address.to_owned();
    thread::Builder::new().name("chaos-resolve".to_owned()).spawn(move || {
        // Nobody may be waiting any more.
        let _ = answer.send(address.to_socket_addrs().map(Iterator::collect));
    })?;
    resolved.recv_timeout(limit).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// The time until `deadline`; an error when there is none, since a limit of zero means none at all to a socket.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(clock::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn an_engine_that_says_nothing_is_given_up_on() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = EngineAddress::Tcp(silent.local_addr().unwrap().to_string());
        let error = get(&engine, "/_ping").unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{error}");
    }

    #[test]
    fn a_whole_answer_is_read_to_its_end_and_no_further() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = EngineAddress::Tcp(listener.local_addr().unwrap().to_string());
        let answers = thread::spawn(move || {
            let (mut known, _) = listener.accept().unwrap();
            assert!(known.read(&mut [0; 256]).unwrap() > 0);
            known.write_all(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n{\"Version\":\"1\"}").unwrap();
            drop(known);
            let (mut endless, _) = listener.accept().unwrap();
            assert!(endless.read(&mut [0; 256]).unwrap() > 0);
            while endless.write_all(&[b'x'; 4096]).is_ok() {}
        });
        let limit = Duration::from_secs(10);
        assert_eq!(get_whole(&engine, "/version", limit).unwrap(), (200, b"{\"Version\":\"1\"}".to_vec()));
        assert!(get_whole(&engine, "/version", limit).unwrap_err().to_string().contains("more than 1 MiB"));
        answers.join().unwrap();
    }

    /// What is understood of an answer, asked for in a runtime.
    #[cfg(feature = "docker")]
    async fn asked(answer: &'static [u8], stays_open: bool) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = EngineAddress::Tcp(listener.local_addr().unwrap().to_string());
        let answers = thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            assert!(connection.read(&mut [0; 256]).unwrap() > 0);
            connection.write_all(answer).unwrap();
            // Until the other side has had enough.
            while stays_open && connection.read(&mut [0; 16]).is_ok_and(|count| count > 0) {}
        });
        let limit = Duration::from_secs(if answer.is_empty() { 1 } else { 30 });
        let said = ask::<serde_json::Value>(&engine, "/networks?filters=x", limit).await;
        answers.join().unwrap();
        said.map(|value| value.to_string()).map_err(|error| format!("{:?}: {error}", error.kind()))
    }

    #[cfg(feature = "docker")]
    #[tokio::test]
    async fn an_answer_ends_where_it_says_or_with_its_connection() {
        let sized = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1]";
        assert_eq!(asked(sized, true).await.as_deref(), Ok("[1]"));
        assert_eq!(asked(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n[2]", false).await.as_deref(), Ok("[2]"));
        let cut = asked(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n[3]", false).await;
        assert_eq!(cut.unwrap_err(), "UnexpectedEof: the answer ends in the middle");
    }

    #[cfg(feature = "docker")]
    #[tokio::test]
    async fn what_is_no_answer_is_told_with_its_reason() {
        let refused = b"HTTP/1.0 500 Oh\r\n\r\n{\"message\":\"no such driver\"}";
        let why = asked(refused, false).await.unwrap_err();
        assert!(why.ends_with("it answers 500 to GET /networks: no such driver"), "{why}");
        let why = asked(b"HTTP/1.1 503 Oh\r\n\r\n<html>\n", false).await.unwrap_err();
        assert!(why.ends_with("it answers 503 to GET /networks: <html>"), "{why}");
        let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n";
        let why = asked(chunks, true).await.unwrap_err();
        assert!(why.contains("in chunks"), "{why}");
        assert!(asked(b"SSH-2.0\r\n\r\n", false).await.unwrap_err().contains("not HTTP"));
        assert!(asked(b"", true).await.unwrap_err().starts_with("TimedOut"));
    }

    #[test]
    fn only_http_has_a_status() {
        assert_eq!(status(b"HTTP/1.1 404 Not Found\r\n"), Some(404));
        assert_eq!(status(b"SSH-2.0-OpenSSH 9\r\n"), None);
        assert_eq!(status(b""), None);
    }
}
