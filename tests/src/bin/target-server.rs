//! A service to experiment on: HTTP/1.1 with keep-alive, one thread a connection, and as well or badly behaved as its
//! arguments say.
//!
//! `GET /health` answers whenever it listens. `GET /bytes/N` answers with so many bytes, `GET /allocate/N` needs so much
//! memory for the answer. Any other path is answered with `ok`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const USAGE: &str = "usage: target-server --port N [--fail PERCENT] [--delay MILLISECONDS] \
                     [--slow-start MILLISECONDS] [--exit MESSAGE] [--password WORD] [--reveal VARIABLES] [--never-listen]";

/// How it behaves.
#[derive(Debug, Default)]
struct Behaviour {
    port: u16,
    /// How many of a hundred requests fail, evenly spread.
    fail: u64,
    delay: Duration,
    slow_start: Duration,
    /// It ends at once, with this last message.
    exit: Option<String>,
    /// Said to everyone.
    password: Option<String>,
    /// Variables that it tells the values of.
    reveal: Vec<String>,
    never_listen: bool,
}

impl Behaviour {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut behaviour = Self::default();
        while let Some(option) = arguments.next() {
            if option == "--never-listen" {
                behaviour.never_listen = true;
                continue;
            }
            let value = arguments.next()?;
            match option.as_str() {
                "--port" => behaviour.port = value.parse().ok()?,
                "--fail" => behaviour.fail = value.parse().ok()?,
                "--delay" => behaviour.delay = Duration::from_millis(value.parse().ok()?),
                "--slow-start" => behaviour.slow_start = Duration::from_millis(value.parse().ok()?),
                "--password" => behaviour.password = Some(value),
                "--reveal" => behaviour.reveal = value.split(',').map(str::to_owned).collect(),
                "--exit" => behaviour.exit = Some(value),
                _ => return None,
            }
        }
        Some(behaviour)
    }
}

fn main() -> ExitCode {
    let Some(behaviour) = Behaviour::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if let Some(message) = &behaviour.exit {
        eprintln!("{message}");
        return ExitCode::from(3);
    }
    if behaviour.never_listen {
        for line in 1..=25 {
            println!("still waiting, line {line}");
        }
        pause(Duration::MAX);
    }
    for name in &behaviour.reveal {
        println!("{name}={}", std::env::var(name).unwrap_or_default());
    }
    if let Some(password) = &behaviour.password {
        println!("the password is {password}");
    }
    pause(behaviour.slow_start);
    match serve(behaviour) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("target-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(behaviour: Behaviour) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, behaviour.port))?;
    println!("listening on {}", listener.local_addr()?);
    let server = Arc::new(Server { behaviour, requests: AtomicU64::new(0) });
    for stream in listener.incoming() {
        let (server, stream) = (Arc::clone(&server), stream?);
        // Short of memory it cannot start a thread: then it drops the connection and goes on.
        let connection = thread::Builder::new().stack_size(256 << 10);
        drop(connection.spawn(move || server.converse(stream)));
    }
    Ok(())
}

struct Server {
    behaviour: Behaviour,
    requests: AtomicU64,
}

impl Server {
    fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(path) = read_request(&mut reader)? {
            let (status, body) = self.answer(&path);
            let mut response =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
            response.extend(body);
            stream.write_all(&response)?;
        }
        Ok(())
    }

    fn answer(&self, path: &str) -> (&'static str, Vec<u8>) {
        const OK: &str = "200 OK";
        if path == "/health" {
            return (OK, b"healthy".to_vec());
        }
        pause(self.behaviour.delay);
        let before = self.requests.fetch_add(1, Ordering::Relaxed) * self.behaviour.fail;
        if (before + self.behaviour.fail) / 100 > before / 100 {
            return ("500 Internal Server Error", b"as told".to_vec());
        }
        let number = |prefix| path.strip_prefix(prefix).and_then(|number| number.parse::<usize>().ok());
        if let Some(size) = number("/bytes/") {
            return (OK, vec![b'x'; size]);
        }
        if let Some(size) = number("/allocate/") {
            return match Vec::<u8>::new().try_reserve_exact(size) {
                Ok(()) => (OK, b"allocated".to_vec()),
                Err(_) => ("507 Insufficient Storage", b"out of memory".to_vec()),
            };
        }
        (OK, b"ok".to_vec())
    }
}

/// The path of the next request; `None` where the client has closed the connection.
fn read_request(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut path = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line.trim().is_empty() {
            return Ok(path);
        }
        path = path.or_else(|| line.split(' ').nth(1).map(str::to_owned));
    }
}

fn pause(span: Duration) {
    let (_nobody_sends, nothing_comes) = mpsc::channel::<()>();
    // Only ever by its time-out.
    let _ = nothing_comes.recv_timeout(span);
}
