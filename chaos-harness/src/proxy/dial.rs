//! Connecting to the service.

use super::address::Upstream;
use super::descriptors;
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};

/// Connects to the first of the upstream's addresses that answers.
pub(super) async fn dial(upstream: &Upstream) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in upstream.addresses().await? {
        match connect(address).await {
            Ok(service) => return Ok(service),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// With a socket that sends a RST if it is dropped before its time to linger is set: a service that has already accepted
/// must not take an abandoned dial for a client that had nothing to say.
async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    descriptors::check(&socket)?;
    SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
    socket.connect(address).await
}
