//! Connections that have been used once.

use super::connect;
use crate::outcome::Outcome;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// Opens so many connections, and has a byte echoed on each.
pub(crate) fn idle(address: SocketAddr, count: usize) -> Outcome<Vec<TcpStream>> {
    let mut byte = [1];
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = connect(address)?;
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)?;
        streams.push(stream);
    }
    Ok(streams)
}
