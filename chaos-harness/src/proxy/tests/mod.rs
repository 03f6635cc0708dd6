//! The proxy over real sockets.
//!
//! What the original does wrong is done right here. By the numbers under which its defects are known to this project:
//!
//! | | what | tested by |
//! | --- | --- | --- |
//! | 1 | a client that does not read holds up every call | `removal`, `api::tests::stuck` |
//! | 2 | so does one that leaves a busy stream | `removal`, `api::tests::stuck` |
//! | 3 | a hanging dial holds up new connections and the removal of the proxy | `hanging` |
//! | 4 | removing a `reset_peer` waits for its time | `removal` |
//! | 5 | values without meaning end the server | `api::tests::toxics`, `limits`, the fuzz targets |
//! | 6 | `bandwidth` of 0 stalls for ever | `limits` |
//! | 7 | `timeout` is a timer of idleness | `endings`, `removal` |
//! | 8 | `reset_peer` spares connections that are open, and idle ones | `endings`, `removal` |
//! | 9 | a half-close ends the other direction too | `endings` |
//! | 10 | a reset of one peer is an end at the other | `endings` |
//! | 11 | toxicity is thrown again when other toxics change, and the seed has no effect | `counting`, `tracing` |
//! | 12 | latency delays neither connecting nor closing | `opening`, `shaping` |
//! | 13 | what latency holds has no bound over connections | `bounds` |
//! | 14 | bytes are counted when their connection ends | `counting`, `api::tests::metrics` |
//! | 15 | a move that fails leaves the proxy stopped | `moving`, `api::tests::proxies` |
//! | 16 | an update that is refused changes something | `live`, `api::tests::toxics` |
//! | 17 | a server whose port is taken runs on without an API | `api::tests::server`, the tests of `cargo chaos` |
//! | 18 | a service that refuses looks like one that has nothing to say | `endings` |

mod bounds;
mod counting;
mod crowd;
mod down;
mod endings;
mod hanging;
mod identity;
mod limits;
mod live;
mod moving;
mod opening;
mod removal;
mod shaping;
mod slices;
mod tracing;

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
    ToxicSpec::new(name, toxic, stream).share(share)
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

/// Where the route listens.
fn at(route: &Route) -> SocketAddr {
    route.address().expect("it is enabled")
}

async fn connect(address: SocketAddr) -> TcpStream {
    soon(TcpStream::connect(address)).await.expect("the route listens")
}

/// Both ends of a new connection through `route`.
async fn pair(route: &Route, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = connect(at(route)).await;
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
