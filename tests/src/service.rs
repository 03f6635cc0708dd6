//! A service in this process that sends back what it gets.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// The byte after which the service closes the connection.
pub const CLOSE: u8 = 0;

/// Longest wait for the end of a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends back every byte, on each connection by itself, until the test ends.
#[derive(Debug)]
pub struct EchoService {
    address: SocketAddr,
    ended: Receiver<usize>,
}

impl EchoService {
    /// Starts it on a free port.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (tell, ended) = channel();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let tell = tell.clone();
                thread::spawn(move || echo(connection, &tell));
            }
        });
        Ok(Self { address, ended })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until a connection has ended, and says how many bytes came on it.
    ///
    /// # Panics
    ///
    /// When none ends within half a minute.
    #[expect(clippy::expect_used, reason = "only tests call this, and that is how they fail")]
    #[must_use]
    pub fn wait_for_end(&self) -> usize {
        self.ended.recv_timeout(PATIENCE).expect("a connection ends")
    }
}

fn echo(mut connection: TcpStream, tell: &Sender<usize>) {
    let mut buffer = [0; 16 * 1024];
    let mut received = 0;
    while let Ok(count @ 1..) = connection.read(&mut buffer) {
        received += count;
        let bytes = &buffer[..count];
        if connection.write_all(bytes).is_err() || bytes.contains(&CLOSE) {
            break;
        }
    }
    // No one may be listening any more.
    let _ = tell.send(received);
}
