//! Many busy connections, and when each of them heard something.

use super::PATIENCE;
use super::requests::MESSAGE;
use crate::outcome::Outcome;
use crate::part::stamp;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// Between an answer and the next message.
const PAUSE: Duration = Duration::from_millis(25);

/// An answer that took longer was held back on purpose.
const HELD: u64 = 15_000_000;

/// Connections that ping for as long as this lives.
pub(crate) struct Crowd {
    members: Vec<Arc<Member>>,
    runtime: Option<Runtime>,
}

/// Moments on the clock of [`stamp`].
#[derive(Default)]
struct Member {
    heard: AtomicU64,
    /// The first answer that had been held back, since this was last forgotten; 0 if there was none.
    released: AtomicU64,
}

impl Crowd {
    /// Returns once each has been answered.
    pub(crate) fn open(address: SocketAddr, count: usize) -> Outcome<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let mut members = Vec::with_capacity(count);
        for number in 0..count {
            let connecting = async { tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await };
            let stream = runtime.block_on(connecting)??;
            stream.set_nodelay(true)?;
            let member = Arc::<Member>::default();
            let offset = PAUSE * u32::try_from(number)? / u32::try_from(count)?;
            runtime.spawn(ping(stream, Arc::clone(&member), offset));
            members.push(member);
        }
        let crowd = Self { members, runtime: Some(runtime) };
        let deadline = Instant::now() + PATIENCE;
        while crowd.members.iter().any(|member| member.heard.load(Ordering::Relaxed) == 0) {
            if Instant::now() > deadline {
                return Err("not all connections were answered".into());
            }
            thread::sleep(PAUSE);
        }
        Ok(crowd)
    }

    /// When the last answer on any connection came.
    pub(crate) fn last_heard(&self) -> u64 {
        self.members.iter().map(|member| member.heard.load(Ordering::Relaxed)).max().unwrap_or_default()
    }

    /// When each connection that was released since the last [`forget`](Self::forget) was.
    pub(crate) fn released(&self) -> Vec<u64> {
        let released = self.members.iter().map(|member| member.released.load(Ordering::Relaxed));
        released.filter(|released| *released > 0).collect()
    }

    /// Forgets all releases: a slow answer before the one that is waited for is not one.
    pub(crate) fn forget(&self) {
        self.members.iter().for_each(|member| member.released.store(0, Ordering::Relaxed));
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

async fn ping(mut stream: TcpStream, member: Arc<Member>, offset: Duration) -> std::io::Result<()> {
    let mut message = [5; MESSAGE];
    tokio::time::sleep(offset).await;
    loop {
        let began = stamp();
        stream.write_all(&message).await?;
        stream.read_exact(&mut message).await?;
        let heard = stamp();
        member.heard.store(heard, Ordering::Relaxed);
        if heard - began > HELD {
            // Fails where an earlier one is noted: a busy machine makes later ones slow too.
            let _ = member.released.compare_exchange(0, heard, Ordering::Relaxed, Ordering::Relaxed);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
