//! A server, a client of it, and a service to have in between.

use crate::servers::Server;
use chaos_harness::toxiproxy_rust::client::Client;
use chaos_harness::toxiproxy_rust::proxy::{Proxy, ProxyPack};
use chaos_tests::service::EchoService;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longest wait for bytes: whoever waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Bed {
    pub(crate) client: Client,
    pub(crate) service: EchoService,
    /// Dropped last: the client is told nothing of it.
    _server: Server,
}

impl Bed {
    pub(crate) fn new(server: Server) -> Self {
        Self { client: Client::new(server.address), service: EchoService::start().unwrap(), _server: server }
    }

    /// What asks for a proxy of this name, on a free port, to the service.
    pub(crate) fn pack(&self, name: &str) -> ProxyPack {
        ProxyPack::new(name.to_owned(), "127.0.0.1:0".to_owned(), self.service.address().to_string())
    }

    /// Makes one proxy to the service.
    pub(crate) fn proxy(&self, name: &str) -> Proxy {
        let mut proxies = self.client.populate(vec![self.pack(name)]).unwrap();
        assert_eq!(proxies.len(), 1);
        proxies.remove(0)
    }

    /// The names of a proxy's toxics, in the order in which they are listed.
    pub(crate) fn toxics(&self, proxy: &str) -> Vec<String> {
        let listed = self.client.find_proxy(proxy).unwrap().toxics().unwrap();
        listed.into_iter().map(|toxic| toxic.name).collect()
    }
}

/// Where a proxy listens.
pub(crate) fn listen(proxy: &Proxy) -> SocketAddr {
    proxy.proxy_pack.listen.parse().unwrap()
}

/// A connection through a proxy.
pub(crate) fn connect(proxy: &Proxy) -> TcpStream {
    let connection = TcpStream::connect(listen(proxy)).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection.set_nodelay(true).unwrap();
    connection
}

/// Sends, reads the same back, and says how long that took.
#[track_caller]
pub(crate) fn echo(connection: &mut TcpStream, bytes: &[u8]) -> Duration {
    let began = now();
    let mut writer = connection.try_clone().unwrap();
    std::thread::scope(|scope| {
        // From a thread of its own: a slow route may take no more while its answers are not read.
        scope.spawn(move || writer.write_all(bytes).unwrap());
        let mut back = vec![0; bytes.len()];
        connection.read_exact(&mut back).unwrap();
        assert!(back == bytes, "other bytes came back");
    });
    began.elapsed()
}

/// Whether a new connection brings bytes back.
pub(crate) fn answers(address: SocketAddr) -> bool {
    let Ok(mut connection) = TcpStream::connect(address) else { return false };
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut back = [0; 1];
    connection.write_all(b"?").is_ok() && connection.read_exact(&mut back).is_ok()
}

#[expect(clippy::disallowed_methods, reason = "a client of the proxy reads its own clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
