//! One message at a time.

use super::connect;
use super::requests::MESSAGE;
use crate::outcome::Outcome;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// How to ping.
#[derive(Clone, Copy)]
pub(crate) struct Ping {
    /// Connections, each at its own time.
    pub(crate) lanes: u32,
    /// Of each connection.
    pub(crate) count: usize,
    /// Between an answer and the next message.
    pub(crate) pause: Duration,
}

/// The round trips, in milliseconds.
pub(crate) fn pings(address: SocketAddr, ping: Ping, period: Duration) -> Outcome<Vec<f64>> {
    let lanes: Vec<_> = (0..ping.lanes)
        .map(|lane| thread::spawn(move || one_lane(address, ping, period * lane / ping.lanes)))
        .collect();
    let mut round_trips = Vec::new();
    for lane in lanes {
        round_trips.extend(lane.join().map_err(|_| "a client panicked")??);
    }
    Ok(round_trips)
}

fn one_lane(address: SocketAddr, ping: Ping, offset: Duration) -> Outcome<Vec<f64>> {
    let mut stream = connect(address)?;
    let mut message = [9; MESSAGE];
    let mut round_trips = Vec::with_capacity(ping.count);
    thread::sleep(offset);
    // The first one finds the connection half made.
    for _ in 0..=ping.count {
        let began = Instant::now();
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
        round_trips.push(began.elapsed().as_secs_f64() * 1_000.0);
        if !ping.pause.is_zero() {
            thread::sleep(ping.pause);
        }
    }
    round_trips.remove(0);
    Ok(round_trips)
}
