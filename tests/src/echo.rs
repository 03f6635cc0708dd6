//! The system under test: servers that send back each line, and a client that takes them in turn.

use chaos_harness::{BoxError, Service};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;
use std::{env, fs, io};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// The variable that names a folder for [`Echo`]'s marks.
pub const MARKS: &str = "CHAOS_TEST_MARKS";

/// The variable that makes the `builder` program give two experiments one name.
pub const TWICE: &str = "CHAOS_TEST_TWICE";

/// A client of echo servers. At its start and its stop it leaves marks, one pair for each process, in the folder that
/// [`MARKS`] names.
#[derive(Debug)]
pub struct Echo {
    servers: Vec<SocketAddr>,
    next: AtomicUsize,
}

impl Echo {
    /// A client of this service's instances.
    #[must_use]
    pub fn new(service: &Service) -> Self {
        Self { servers: service.addrs().to_vec(), next: AtomicUsize::new(0) }
    }

    /// The same, with a mark of when it was.
    pub fn start(service: &Service) -> io::Result<Self> {
        mark("began")?;
        Ok(Self::new(service))
    }

    /// Leaves a mark of when it ended.
    #[expect(clippy::unused_async, reason = "what stops a system is async")]
    pub async fn stop(self) -> io::Result<()> {
        mark("ended")
    }

    /// Sends a line to the next server, on a connection of its own, and reads it back.
    pub async fn ask(&self) -> Result<(), BoxError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let server = self.servers.get(turn % self.servers.len().max(1)).ok_or("no server")?;
        let mut server = BufReader::new(TcpStream::connect(server).await?);
        server.write_all(b"anyone there?\n").await?;
        let mut line = String::new();
        server.read_line(&mut line).await?;
        if line == "anyone there?\n" { Ok(()) } else { Err(format!("came back as `{line}`").into()) }
    }
}

/// The time of a mark is its file's: one clock for all processes.
fn mark(what: &str) -> io::Result<()> {
    match env::var_os(MARKS).map(PathBuf::from) {
        Some(folder) => fs::write(folder.join(format!("{}-{what}", std::process::id())), what),
        None => Ok(()),
    }
}

/// When each process that left marks began and ended, in order.
pub fn spans(marks: &Path) -> io::Result<Vec<(SystemTime, SystemTime)>> {
    let mut spans = Vec::new();
    for entry in fs::read_dir(marks)? {
        let began = entry?.path();
        if let Some(process) = began.to_string_lossy().strip_suffix("-began") {
            let time = |path: &Path| fs::metadata(path)?.modified();
            spans.push((time(&began)?, time(Path::new(&format!("{process}-ended")))?));
        }
    }
    spans.sort();
    Ok(spans)
}
