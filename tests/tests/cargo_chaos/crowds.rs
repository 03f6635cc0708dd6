//! As many connections as a machine lets a process have, and more.

use chaos_tests::cargo_chaos::{Server, binary};
use chaos_tests::descriptors::{open_in, raise_limit, threads_in};
use chaos_tests::wait::wait_until;
use socket2::SockRef;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Longest wait for a byte: whoever waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Descriptors of a server that are not its connections': ports, pipes, event queues, and what it keeps in reserve.
const OTHERS: u64 = 200;

/// One crowd at a time: two would share the machine's ports and patience.
static TURN: Mutex<()> = Mutex::new(());

/// A service for a crowd, in a process of its own.
struct Service {
    process: Child,
    address: SocketAddr,
}

impl Service {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_echo-crowd"));
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ").unwrap().parse().unwrap();
        Self { process, address }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Makes a proxy to the service, and returns where it listens.
fn proxy(server: &Server, service: &Service) -> SocketAddr {
    let upstream = service.address.to_string();
    let create = ["proxy", "create", "crowd", "--listen=127.0.0.1:0", "--json", "--upstream", &upstream];
    let made = server.run(create).unwrap();
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let made: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    made["listen"].as_str().unwrap().parse().unwrap()
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    Ok(connection)
}

/// Sends a byte and reads it back.
fn echo(mut connection: &TcpStream, byte: u8) -> io::Result<()> {
    let mut back = [0];
    connection.write_all(&[byte])?;
    connection.read_exact(&mut back)?;
    if back == [byte] { Ok(()) } else { Err(io::Error::other(format!("{byte} came back as {}", back[0]))) }
}

/// How many connections a proxy in a process with this limit has room for, up to the 10,000 that it is asked for.
fn that_fit(limit: u64) -> usize {
    // One descriptor for the client's side, one for the service's.
    usize::try_from(10_000.min((limit - OTHERS) / 2)).unwrap()
}

#[test]
fn as_many_connections_as_fit_are_open_at_once_and_each_echoes() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let count = that_fit(raise_limit().unwrap());
    println!("{count} connections at once");
    let service = Service::start();
    // It raises that limit itself.
    let server = Server::under("ulimit -S -n 256").unwrap();
    let listen = proxy(&server, &service);
    let connections: Vec<_> = (0..count).map(|_| connect(listen).unwrap()).collect();
    for round in 0..2 {
        for (at, connection) in connections.iter().enumerate() {
            let byte = u8::try_from((at + round) % 251).unwrap();
            echo(connection, byte).unwrap_or_else(|error| panic!("round {round}, connection {at}: {error}"));
        }
    }
    assert!(open_in(server.process()).unwrap() >= 2 * count, "all are open at once");
    // The API answers beside them.
    assert_eq!(server.run(["proxy", "inspect", "crowd"]).unwrap().code, Some(0));
}

/// How many connections the proxy itself counts as open.
fn open_connections(api: SocketAddr) -> u64 {
    let mut connection = connect(api).unwrap();
    connection.write_all(b"GET /proxies/crowd/counters HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let counters: serde_json::Value = serde_json::from_str(body).unwrap();
    counters["open"].as_u64().unwrap()
}

/// Opens, uses and closes connections from several threads.
fn come_and_go(address: SocketAddr, count: usize) {
    const WORKERS: usize = 8;
    let left = AtomicUsize::new(count);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while take() {
                    let connection = connect(address).unwrap();
                    // Closed with a reset: the port is free at once, or the machine would run out of them.
                    SockRef::from(&connection).set_linger(Some(Duration::ZERO)).unwrap();
                    echo(&connection, b'!').unwrap();
                }
            });
        }
    });
}

#[test]
fn of_100_000_connections_that_come_and_go_nothing_is_left() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let service = Service::start();
    let server = Server::start::<&str>([]).unwrap();
    let listen = proxy(&server, &service);
    // What is made at first use and then kept is there before the count begins.
    come_and_go(listen, 1_000);
    wait_until("the first connections are gone", || open_connections(server.address()) == 0);
    let process = server.process();
    let held = || (open_in(process).unwrap(), threads_in(process).unwrap());
    let before = held();
    come_and_go(listen, 100_000);
    wait_until("all connections are gone", || open_connections(server.address()) == 0);
    let mut after = held();
    wait_until(&format!("descriptors and threads are as before, {before:?}"), || {
        after = held();
        after.0 <= before.0 && after.1 <= before.1
    });
}

#[test]
fn connections_that_find_no_descriptor_get_an_error_and_the_others_go_on() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    binary().unwrap();
    let service = Service::start();
    // An even and an odd number: the last descriptor that is given out is a service's side once, and a client's once.
    for limit in [64, 65] {
        let server = Server::under(&format!("ulimit -n {limit}")).unwrap();
        let listen = proxy(&server, &service);
        // More than fit: each takes two.
        let connections: Vec<_> = (0..64).map(|_| connect(listen).unwrap()).collect();
        let (mut fit, mut unfit) = (Vec::new(), Vec::new());
        for connection in connections {
            match echo(&connection, 1) {
                Ok(()) => fit.push(connection),
                // A silence until patience ends would be no error.
                Err(error) => {
                    assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
                    unfit.push(connection);
                }
            }
        }
        assert!(fit.len() >= 8, "{} of 64 fit under a limit of {limit}", fit.len());
        assert!(
            unfit.len() >= 32,
            "64 connections with two descriptors each do not fit in {limit}: {}",
            fit.len()
        );
        for connection in &fit {
            echo(connection, 2).unwrap();
        }
        let answer = server.run(["proxy", "list"]).unwrap();
        assert_eq!(answer.code, Some(0), "the API goes on: {}", answer.stderr);

        drop((fit, unfit));
        wait_until("as many as before fit again", || {
            let again: Vec<_> = (0..8).map(|_| connect(listen).unwrap()).collect();
            again.iter().all(|connection| echo(connection, 3).is_ok())
        });
    }
}

#[test]
fn a_connection_is_reset_also_where_others_have_taken_every_descriptor() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    binary().unwrap();
    let service = Service::start();
    let server = Server::under("ulimit -n 64").unwrap();
    let listen = proxy(&server, &service);
    // The API's connections may have the last ones too.
    let greedy: Vec<_> = (0..64).map(|_| connect(server.address()).unwrap()).collect();
    // It may have inherited some beyond its limit.
    wait_until("no descriptor is left", || open_in(server.process()).unwrap() >= 64);
    for _ in 0..3 {
        let error = echo(&connect(listen).unwrap(), 1).unwrap_err();
        assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    }
    drop(greedy);
    wait_until("connections fit again", || connect(listen).is_ok_and(|client| echo(&client, 2).is_ok()));
}
