//! The clients.

mod bulk;
mod connections;
mod crowd;
mod idle;
mod ping;
mod requests;

pub(crate) use bulk::{bulk, reads};
pub(crate) use connections::connections;
pub(crate) use crowd::Crowd;
pub(crate) use idle::idle;
pub(crate) use ping::{Ping, pings};
pub(crate) use requests::requests;

use crate::outcome::Outcome;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a client waits for an answer: far longer than any that is right.
const PATIENCE: Duration = Duration::from_secs(10);

fn connect(address: SocketAddr) -> Outcome<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}
