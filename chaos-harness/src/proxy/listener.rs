//! A route's port: listened on, or kept for later while the route is down.

use super::descriptors;
use super::lock::lock;
use super::state::reset;
use socket2::{Domain, Socket, Type};
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker, ready};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4096;

/// A port that can stop and resume listening.
#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    runtime: Handle,
    door: Mutex<Door>,
}

/// What became of a connection that waited to be accepted.
pub(super) enum Accepted {
    Client(TcpStream),
    /// It was reset: there is no file descriptor left for it.
    Refused(io::Error),
    /// It still waits.
    Failed(io::Error),
}

#[derive(Debug)]
struct Door {
    state: DoorState,
    waker: Option<Waker>,
    /// A file descriptor to give up when there is no other: what has been accepted with it can be told so.
    reserve: Option<File>,
}

#[derive(Debug)]
enum DoorState {
    Open(TcpListener),
    /// Connects are refused. The socket, bound but not listening, keeps the port from being given to anyone else, and
    /// from being taken as the source port of a client, which would then connect to itself.
    Shut(Option<Socket>),
    /// For good.
    Stopped,
}

impl Listener {
    /// Listens at `address`. Needs no runtime around the caller.
    pub(super) fn bind(address: SocketAddr, runtime: &Handle) -> io::Result<Self> {
        let socket = match bind(address) {
            // A machine without IPv6 can still listen at any address.
            Err(_) if address.is_ipv6() && address.ip().is_unspecified() && !has_ipv6() => {
                bind((Ipv4Addr::UNSPECIFIED, address.port()).into())
            }
            bound => bound,
        }?;
        let listener = listen(socket, runtime)?;
        let address = listener.local_addr()?;
        let door = Door { state: DoorState::Open(listener), waker: None, reserve: reserve() };
        Ok(Self { address, runtime: runtime.clone(), door: Mutex::new(door) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(lock(&self.door).state, DoorState::Open(_))
    }

    /// The next connection; pending while shut, `None` once stopped.
    ///
    /// Where the process has no file descriptor left, the client that waits is reset: an error of this one connection,
    /// instead of a silence for all that follow.
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Option<Accepted>> {
        let mut door = lock(&self.door);
        match &mut door.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => door.waker = Some(cx.waker().clone()),
        }
        let Door { state, reserve: spare, .. } = &mut *door;
        match state {
            DoorState::Open(listener) => {
                let error = match ready!(listener.poll_accept(cx)) {
                    Ok((client, _)) => {
                        if spare.is_none() {
                            *spare = reserve();
                        }
                        return Poll::Ready(Some(Accepted::keep(client)));
                    }
                    Err(error) => error,
                };
                // Not even the last ones are left: others in this process have them.
                if !descriptors::are_exhausted(&error) || spare.take().is_none() {
                    return Poll::Ready(Some(Accepted::Failed(error)));
                }
                let refused = listener.poll_accept(cx).map_ok(|(client, _)| reset(client));
                // Not before the client is gone, whose descriptor it takes.
                *spare = reserve();
                Poll::Ready(Some(match ready!(refused) {
                    Ok(()) => Accepted::Refused(error),
                    Err(_) => Accepted::Failed(error),
                }))
            }
            DoorState::Shut(_) => Poll::Pending,
            DoorState::Stopped => Poll::Ready(None),
        }
    }

    /// From now on connects are refused.
    pub(super) fn shut(&self) {
        let mut door = lock(&self.door);
        if let DoorState::Open(_) = door.state {
            // Two sockets cannot share a port while one of them listens, so there is a moment in which the port is free.
            door.state = DoorState::Shut(None);
            match bind(self.address) {
                Ok(kept) => door.state = DoorState::Shut(Some(kept)),
                Err(error) => {
                    tracing::warn!(address = %self.address, %error, "cannot keep the port of a route that is down");
                }
            }
        }
    }

    /// Listens again on the same port.
    pub(super) fn reopen(&self) -> io::Result<()> {
        let mut door = lock(&self.door);
        if let DoorState::Shut(kept) = &mut door.state {
            let socket = kept.take().map_or_else(|| bind(self.address), Ok)?;
            door.state = DoorState::Open(listen(socket, &self.runtime)?);
            door.wake();
        }
        Ok(())
    }

    /// Gives the port up for good.
    pub(super) fn stop(&self) {
        let mut door = lock(&self.door);
        door.state = DoorState::Stopped;
        door.reserve = None;
        door.wake();
    }
}

impl Accepted {
    fn keep(client: TcpStream) -> Self {
        match descriptors::check(&client) {
            Ok(()) => Self::Client(client),
            Err(error) => {
                reset(client);
                Self::Refused(error)
            }
        }
    }
}

impl Door {
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

fn has_ipv6() -> bool {
    Socket::new(Domain::IPV6, Type::STREAM, None).is_ok()
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Connections of before may still linger on the port.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(socket: Socket, runtime: &Handle) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)?;
    let _inside = runtime.enter();
    TcpListener::from_std(socket.into())
}
