//! Requests on many connections at once, each as fast as its answers come.

use super::PATIENCE;
use crate::outcome::Outcome;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;

const CONNECTIONS: usize = 50;

/// What a request and its answer hold.
pub(super) const MESSAGE: usize = 64;

/// Requests answered a second, after `warmup`.
pub(crate) fn requests(address: SocketAddr, warmup: Duration, window: Duration) -> Outcome<f64> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let stop = Arc::new(AtomicBool::new(false));
    let counts: Vec<_> = (0..CONNECTIONS).map(|_| Arc::new(AtomicU64::new(0))).collect();
    let clients: Vec<_> = counts
        .iter()
        .map(|count| runtime.spawn(client(address, Arc::clone(count), Arc::clone(&stop))))
        .collect();
    let sum = || counts.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>();
    thread::sleep(warmup);
    let (began, before) = (Instant::now(), sum());
    thread::sleep(window);
    let (took, after) = (began.elapsed(), sum());
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(async {
        for client in clients {
            tokio::time::timeout(PATIENCE, client).await???;
        }
        Outcome::Ok(())
    })?;
    Ok((after - before) as f64 / took.as_secs_f64())
}

async fn client(address: SocketAddr, count: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut message = [3; MESSAGE];
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(&message).await?;
        stream.read_exact(&mut message).await?;
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
