//! Pipes through which the kernel moves bulk data from socket to socket, without showing it to us.

use super::descriptors;
use super::lock::lock;
use rustix::io::retry_on_intr;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// What a pipe takes at one time.
const PIPE_BYTES: usize = 1 << 20;

/// How many empty pipes are kept for the next connection that needs one.
const KEPT: usize = 16;

/// The pipes of a proxy that are not in use.
#[derive(Debug, Default)]
pub(super) struct Pipes {
    free: Mutex<Vec<Pipe>>,
}

/// A pipe, and how much is in it.
#[derive(Debug)]
pub(super) struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    filled: usize,
}

impl Pipes {
    /// An empty pipe; `None` where the system gives none.
    pub(super) fn take(&self) -> Option<Pipe> {
        let free = lock(&self.free).pop();
        free.or_else(|| Pipe::new().ok())
    }

    /// Keeps an empty pipe for later.
    pub(super) fn give_back(&self, pipe: Pipe) {
        let mut free = lock(&self.free);
        if pipe.is_empty() && free.len() < KEPT {
            free.push(pipe);
        }
    }
}

impl Pipe {
    fn new() -> io::Result<Self> {
        let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
        // Without it the bytes are copied.
        descriptors::check(&write)?;
        // A pipe of the usual size works as well, only slower.
        let _ = rustix::pipe::fcntl_setpipe_size(&write, PIPE_BYTES);
        Ok(Self { read, write, filled: 0 })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Fills the empty pipe from a socket. Zero: the stream has ended.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>, from: &TcpStream) -> Poll<io::Result<usize>> {
        loop {
            ready!(from.poll_read_ready(cx))?;
            let moved = from.try_io(Interest::READABLE, || transfer(from, &self.write, PIPE_BYTES));
            match moved {
                // Not ready after all: asking again registers for the wake-up.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(moved) => {
                    self.filled += moved;
                    return Poll::Ready(Ok(moved));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Empties it into a socket, as far as that takes it.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>, to: &TcpStream) -> Poll<io::Result<usize>> {
        loop {
            ready!(to.poll_write_ready(cx))?;
            let moved = to.try_io(Interest::WRITABLE, || transfer(&self.read, to, self.filled));
            match moved {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(moved) => {
                    self.filled -= moved;
                    return Poll::Ready(Ok(moved));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

fn transfer(from: impl rustix::fd::AsFd, to: impl rustix::fd::AsFd, most: usize) -> io::Result<usize> {
    let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
    Ok(retry_on_intr(|| splice(&from, None, &to, None, most, flags))?)
}
