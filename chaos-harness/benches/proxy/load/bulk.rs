//! Connections that receive without end.

use super::connect;
use crate::outcome::Outcome;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const CHUNK: usize = 128 * 1024;

/// What came through.
#[derive(Clone, Copy)]
pub(crate) struct Bulk {
    /// Bytes a second, after the warm-up.
    pub(crate) rate: f64,
    /// All bytes, those of the warm-up too.
    pub(crate) bytes: u64,
    pub(crate) reads: u64,
}

/// Receives on so many connections at once, and measures for `window` after `warmup`.
pub(crate) fn bulk(
    address: SocketAddr,
    connections: usize,
    warmup: Duration,
    window: Duration,
) -> Outcome<Bulk> {
    let received = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (received, stop) = (Arc::clone(&received), Arc::clone(&stop));
            thread::spawn(move || receive(address, &received, &stop))
        })
        .collect();
    thread::sleep(warmup);
    let (began, before) = (Instant::now(), received.load(Ordering::Relaxed));
    thread::sleep(window);
    let (took, after) = (began.elapsed(), received.load(Ordering::Relaxed));
    stop.store(true, Ordering::Relaxed);
    let mut reads = 0;
    for worker in workers {
        reads += worker.join().map_err(|_| "a client panicked")??;
    }
    let rate = (after - before) as f64 / took.as_secs_f64();
    Ok(Bulk { rate, bytes: received.load(Ordering::Relaxed), reads })
}

/// Returns how often it read.
fn receive(address: SocketAddr, received: &AtomicU64, stop: &AtomicBool) -> Outcome<u64> {
    let mut stream = connect(address)?;
    stream.write_all(&[1])?;
    let mut chunk = vec![0; CHUNK];
    let mut reads = 0;
    while !stop.load(Ordering::Relaxed) {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Err("the stream ended".into());
        }
        reads += 1;
        received.fetch_add(count as u64, Ordering::Relaxed);
    }
    Ok(reads)
}

/// Each read of one connection during `window`, from the first on: when it came, and how many bytes it was.
pub(crate) fn reads(address: SocketAddr, window: Duration) -> Outcome<Vec<(Instant, usize)>> {
    let mut stream = connect(address)?;
    stream.write_all(&[1])?;
    let mut chunk = vec![0; CHUNK];
    let mut reads = Vec::new();
    let began = Instant::now();
    while began.elapsed() < window {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Err("the stream ended".into());
        }
        reads.push((Instant::now(), count));
    }
    Ok(reads)
}
