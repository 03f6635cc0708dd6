//! The proxy over real sockets.

mod counting;
mod down;
mod endings;
mod identity;
mod removal;
mod shaping;

use super::{Proxy, Route, Stream, Toxic, ToxicSpec};
use crate::Seed;
use crate::units::Percent;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ALL: Percent = Percent::ALL;
/// Many of these fill every buffer on the way.
static BLOCK: [u8; 65_536] = [1; 65_536];

fn spec(name: &str, toxic: Toxic, stream: Stream, share: Percent) -> ToxicSpec {
    ToxicSpec { name: name.to_owned(), toxic, stream, share }
}

fn latency(millis: u64) -> Toxic {
    Toxic::Latency { delay: Duration::from_millis(millis), jitter: Duration::ZERO }
}

const TIMEOUT: Toxic = Toxic::Timeout { after: Duration::ZERO };
const RESET: Toxic = Toxic::ResetPeer { after: Duration::ZERO };

/// Fails the test instead of hanging it.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("should not take 10 s")
}

/// Waits until `condition` holds.
async fn until(mut condition: impl FnMut() -> bool) {
    soon(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A route to a listener that the test accepts from by hand.
async fn to_listener() -> (Proxy, Route, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let proxy = Proxy::start(Seed::new(11)).expect("threads start");
    let route = proxy.route("service", listener.local_addr().expect("bound")).expect("a free port");
    (proxy, route, listener)
}

/// A route to a service that sends back what it gets.
async fn to_echo() -> (Proxy, Route) {
    let (proxy, route, listener) = to_listener().await;
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = peer.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            });
        }
    });
    (proxy, route)
}

async fn connect(address: SocketAddr) -> TcpStream {
    soon(TcpStream::connect(address)).await.expect("the route listens")
}

/// Both ends of a new connection through `route`.
async fn pair(route: &Route, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = connect(route.address()).await;
    let (service, _) = soon(listener.accept()).await.expect("the proxy dials");
    (client, service)
}

/// Sends one byte and waits for its echo.
async fn ping(client: &mut TcpStream) -> std::io::Result<u8> {
    soon(async {
        client.write_all(&[7]).await?;
        client.read_u8().await
    })
    .await
}

/// Connects and pings. A reset may already be there when connecting is reported.
async fn visit(address: SocketAddr) -> std::io::Result<u8> {
    let mut client = soon(TcpStream::connect(address)).await?;
    ping(&mut client).await
}
