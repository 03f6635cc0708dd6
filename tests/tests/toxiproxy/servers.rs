//! The servers that the suite runs against.

use chaos_harness::Seed;
use chaos_harness::proxy::{ApiOptions, Proxy};
use chaos_tests::cargo_chaos;
use chaos_tests::wait::wait_until;
use std::any::Any;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _running: Box<dyn Any>,
}

/// The proxy of this process, with its API.
pub(crate) fn embedded() -> Server {
    let proxy = Proxy::start(Seed::new(1)).unwrap();
    let api =
        proxy.serve_api(ApiOptions { listen: "127.0.0.1:0".to_owned(), ..ApiOptions::default() }).unwrap();
    Server { address: api.address(), _running: Box::new((api, proxy)) }
}

/// A `cargo chaos proxy` of its own.
pub(crate) fn process() -> Server {
    let server = cargo_chaos::Server::start(["--seed=1"]).unwrap();
    Server { address: server.address(), _running: Box::new(server) }
}

/// The original, where there is one.
pub(crate) fn original() -> Option<Server> {
    let binary = std::env::var_os("TOXIPROXY_BIN")?;
    // Free a moment ago: the original cannot be asked which port it took.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut command = Command::new(binary);
    command.args(["-host", "127.0.0.1", "-port", &port.to_string()]);
    let running = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let server = Server { address, _running: Box::new(Original(running)) };
    wait_until("the original listens", || TcpStream::connect(address).is_ok());
    Some(server)
}

struct Original(Child);

impl Drop for Original {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
