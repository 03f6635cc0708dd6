//! Telling whether an instance is ready, by asking it from outside.

use super::Ready;
use super::log::LogWatch;
use crate::clock;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one question may take.
const ASK_LIMIT: Duration = Duration::from_secs(1);
/// How long to wait between questions: short at first, since most services are ready at once.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// How long a container's own address is tried.
const INSIDE_LIMIT: Duration = Duration::from_millis(100);
/// How long a forwarded connection must stay open to count: Docker's proxy closes it at once when nobody listens inside.
const STAYS_OPEN: Duration = Duration::from_millis(50);

/// How an instance is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) ready: &'a Ready,
    pub(crate) address: SocketAddr,
    /// Whether Docker's proxy stands between, and where the container itself listens, if that is known.
    pub(crate) forwarded: Option<Forwarded>,
}

/// A port that Docker publishes. Its proxy accepts connections whether or not anything listens inside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forwarded {
    /// Where the container itself listens. Not every engine's containers can be reached so.
    pub(crate) inside: Option<SocketAddr>,
}

impl Question<'_> {
    /// Asks once; says what is missing when it is not ready.
    pub(crate) async fn ask(&self, log: Option<&mut LogWatch>) -> Result<(), String> {
        match self.ready {
            Ready::Tcp => {}
            Ready::Http { path } => return self.ask_http(path, ASK_LIMIT).await,
            Ready::Log { text } => {
                let seen = log.map_or(Ok(false), |log| log.has_seen(text));
                if !seen.map_err(|error| format!("its log cannot be read: {error}"))? {
                    return Err(format!("no line with \"{text}\""));
                }
            }
        }
        self.connect().await.map_err(|error| error.to_string())
    }

    async fn connect(&self) -> io::Result<()> {
        let Some(Forwarded { inside }) = self.forwarded else {
            return connect(self.address, None).await;
        };
        if let Some(inside) = inside {
            match timeout(INSIDE_LIMIT, TcpStream::connect(inside)).await {
                Ok(Ok(_)) => return connect(self.address, None).await,
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return Err(error),
                // This engine's containers are somewhere else: only the published port can tell.
                Ok(Err(_)) | Err(_) => {}
            }
        }
        connect(self.address, Some(STAYS_OPEN)).await
    }

    async fn ask_http(&self, path: &str, limit: Duration) -> Result<(), String> {
        let status = timeout(limit, get(self.address, path))
            .await
            .map_err(|_| format!("no answer to GET {path} within {} ms", limit.as_millis()))?
            .map_err(|error| format!("GET {path}: {error}"))?;
        if (200..400).contains(&status) { Ok(()) } else { Err(format!("GET {path} answered {status}")) }
    }

    /// Asks until it is ready. Never ends otherwise: what was missing last is put into `seen`.
    pub(crate) async fn until_ready(&self, mut log: Option<&mut LogWatch>, seen: &mut String) {
        let mut pause = FIRST_PAUSE;
        while let Err(missing) = self.ask(log.as_deref_mut()).await {
            *seen = missing;
            clock::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Asks at each address in turn until one of them is ready: that one. Never ends otherwise: what was missing last is put
/// into `seen`.
pub(crate) async fn first_ready(ready: &Ready, addresses: &[SocketAddr], seen: &mut String) -> SocketAddr {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut missing = Vec::new();
        for &address in addresses {
            match (Question { ready, address, forwarded: None }).ask(None).await {
                Ok(()) => return address,
                Err(cause) if addresses.len() == 1 => missing.push(cause),
                Err(cause) => missing.push(format!("{address}: {cause}")),
            }
            // In between as well: the time may be up before all were asked.
            *seen = missing.join("; ");
        }
        clock::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether an instance answers at all within `limit`. Only HTTP has an answer: anything else accepts connections even
/// when it is frozen, because its kernel does.
pub(crate) async fn answers(ready: &Ready, address: SocketAddr, limit: Duration) -> Option<bool> {
    match ready {
        Ready::Http { path } => {
            Some(timeout(limit, get(address, path)).await.is_ok_and(|answer| answer.is_ok()))
        }
        Ready::Tcp | Ready::Log { .. } => None,
    }
}

/// Connects; with `stays_open`, only a connection that is not closed for so long counts.
pub(crate) async fn connect(address: SocketAddr, stays_open: Option<Duration>) -> io::Result<()> {
    let mut stream = timeout(ASK_LIMIT, TcpStream::connect(address))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no connection"))??;
    if let Some(span) = stays_open {
        let mut byte = [0];
        match timeout(span, stream.read(&mut byte)).await {
            Ok(Ok(0)) => {
                return Err(io::Error::new(
                    io::ErrorKind::ConnectionRefused,
                    "closed at once: nobody listens",
                ));
            }
            Ok(Err(error)) => return Err(error),
            // It says something by itself, or it waits to be spoken to.
            Ok(Ok(_)) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether connections are refused, within `limit` at the latest.
pub(crate) async fn refuses(address: SocketAddr, stays_open: Option<Duration>, limit: Duration) -> bool {
    let deadline = clock::now() + limit;
    while connect(address, stays_open).await.is_ok() {
        if clock::now() > deadline {
            return false;
        }
        clock::sleep(FIRST_PAUSE).await;
    }
    true
}

type HttpError = Box<dyn std::error::Error + Send + Sync>;

async fn get(address: SocketAddr, path: &str) -> Result<u16, HttpError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = hyper::Request::get(path)
        .header(hyper::header::HOST, address.to_string())
        .header(hyper::header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request);
    tokio::pin!(connection);
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => Ok(answer?.status().as_u16()),
        ended = &mut connection => {
            ended?;
            Ok(answer.await?.status().as_u16())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::log::LogFile;
    use std::io::Write as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    async fn server(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if answer.is_empty() {
                    // Closed at once, as Docker's proxy does.
                    continue;
                }
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        address
    }

    fn watch() -> (tempfile::TempDir, LogFile, LogWatch) {
        let folder = tempfile::tempdir().unwrap();
        let log = LogFile::create(folder.path(), "redis").unwrap();
        let watch = log.watch().unwrap();
        (folder, log, watch)
    }

    #[tokio::test]
    async fn a_forwarded_connection_that_is_closed_at_once_does_not_count() {
        let address = server("").await;
        let direct = Question { ready: &Ready::Tcp, address, forwarded: None };
        assert_eq!(direct.ask(None).await, Ok(()));
        assert!(connect(address, Some(Duration::from_secs(10))).await.is_err());
        // Whatever is accepted in front, a refusal from inside is the truth.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let forwarded = Question { forwarded: Some(Forwarded { inside: Some(closed) }), ..direct };
        assert!(forwarded.ask(None).await.is_err());
    }

    #[tokio::test]
    async fn a_name_is_ready_at_any_of_its_addresses() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (open, mut seen) = (server("x").await, String::new());
        let addresses = [closed, open];
        let found = timeout(Duration::from_secs(10), first_ready(&Ready::Tcp, &addresses, &mut seen)).await;
        assert_eq!(found, Ok(open));
        assert!(seen.starts_with(&format!("{closed}: ")), "{seen}");
    }

    #[tokio::test]
    async fn http_is_ready_only_with_a_good_status() {
        let ready = Ready::http("/health");
        let ask = |address| Question { ready: &ready, address, forwarded: None };
        let good = server("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(ask(good).ask(None).await, Ok(()));
        let bad = server("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(ask(bad).ask(None).await, Err("GET /health answered 503".to_owned()));
        assert_eq!(answers(&ready, bad, Duration::from_secs(10)).await, Some(true));
    }

    #[tokio::test]
    async fn a_log_line_counts_together_with_a_connection() {
        let (_folder, log, mut watch) = watch();
        let ready = Ready::log("ready");
        let question = Question { ready: &ready, address: server("x").await, forwarded: None };
        assert!(question.ask(Some(&mut watch)).await.is_err());
        writeln!(log.append().unwrap(), "* ready to accept").unwrap();
        assert_eq!(question.ask(Some(&mut watch)).await, Ok(()));
    }
}
