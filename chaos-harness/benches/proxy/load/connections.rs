//! Short connections, one after the other.

use super::connect;
use crate::outcome::Outcome;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

const WORKERS: usize = 8;

/// Connections a second, each of which has a byte echoed.
pub(crate) fn connections(address: SocketAddr, window: Duration) -> Outcome<f64> {
    let began = Instant::now();
    let workers: Vec<_> =
        (0..WORKERS).map(|_| thread::spawn(move || work(address, began + window))).collect();
    let mut count = 0;
    for worker in workers {
        count += worker.join().map_err(|_| "a client panicked")??;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

fn work(address: SocketAddr, deadline: Instant) -> Outcome<usize> {
    let mut count = 0;
    let mut byte = [7];
    while Instant::now() < deadline {
        let mut stream = connect(address)?;
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)?;
        count += 1;
    }
    Ok(count)
}
