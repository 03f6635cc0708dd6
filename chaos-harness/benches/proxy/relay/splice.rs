//! The bare relay that never copies the bytes: as fast as it can be made, and can do nothing else.

use super::{Driver, Toxic};
use crate::outcome::Outcome;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// What a pipe holds at most: 128 pages.
const PIPE: usize = 512 * 1024;

/// What one splice moves at most: more falls out of the processor's cache before it is sent.
const STEP: usize = 128 * 1024;

/// A pipe has a place for each page, and a splice fills at least a byte of each: one that moved fewer bytes than there
/// are places did not stop because the pipe was full.
const PLACES: usize = PIPE / 4096;

pub(super) struct Splice {
    runtime: Runtime,
    pipes: Arc<Pipes>,
}

impl Splice {
    pub(super) fn start() -> Outcome<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Self { runtime, pipes: Arc::default() })
    }
}

impl Driver for Splice {
    fn open(&mut self, _route: usize, upstream: SocketAddr) -> Outcome<SocketAddr> {
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let pipes = Arc::clone(&self.pipes);
        self.runtime.spawn(async move {
            loop {
                if let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(relay(client, upstream, Arc::clone(&pipes)));
                }
            }
        });
        Ok(address)
    }

    fn add(&mut self, _route: usize, _toxic: Toxic) -> Outcome<()> {
        Err("a bare relay has no toxics".into())
    }

    fn remove(&mut self, route: usize, toxic: Toxic) -> Outcome<()> {
        self.add(route, toxic)
    }
}

/// Empty pipes, kept: making one costs more than a short connection.
#[derive(Default)]
struct Pipes {
    spare: Mutex<Vec<Pipe>>,
}

struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Pipes {
    fn take(&self) -> io::Result<Pipe> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.map_or_else(Pipe::new, Ok)
    }

    fn give_back(&self, pipe: Pipe) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(pipe);
    }
}

impl Pipe {
    fn new() -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        fcntl_setpipe_size(&writer, PIPE)?;
        Ok(Self { reader, writer })
    }
}

async fn relay(client: TcpStream, upstream: SocketAddr, pipes: Arc<Pipes>) -> io::Result<()> {
    let service = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    service.set_nodelay(true)?;
    tokio::try_join!(pass(&client, &service, &pipes), pass(&service, &client, &pipes))?;
    Ok(())
}

/// Passes on everything from one to the other, then the end.
async fn pass(from: &TcpStream, to: &TcpStream, pipes: &Pipes) -> io::Result<()> {
    let pipe = pipes.take()?;
    loop {
        let count =
            move_some(from, Interest::READABLE, || splice(from, None, &pipe.writer, None, STEP, flags()))
                .await?;
        if count == 0 {
            pipes.give_back(pipe);
            return shut(to);
        }
        if count < PLACES {
            // That was all there is: without this the next splice would only find that out.
            let _ = from.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        }
        let mut left = count;
        while left > 0 {
            left -= move_some(to, Interest::WRITABLE, || splice(&pipe.reader, None, to, None, left, flags()))
                .await?;
        }
    }
}

fn flags() -> SpliceFlags {
    SpliceFlags::NONBLOCK | SpliceFlags::MOVE
}

async fn move_some(
    stream: &TcpStream,
    interest: Interest,
    mut step: impl FnMut() -> rustix::io::Result<usize>,
) -> io::Result<usize> {
    stream.async_io(interest, || Ok(step()?)).await
}

fn shut(stream: &TcpStream) -> io::Result<()> {
    socket2::SockRef::from(stream).shutdown(Shutdown::Write)
}
