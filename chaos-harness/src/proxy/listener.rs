//! A route's port: listened on, or kept for later while the route is down.

use super::lock::lock;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// A port of the loopback interface that can stop and resume listening.
pub(super) struct Listener {
    address: SocketAddr,
    runtime: Handle,
    door: Mutex<Door>,
}

struct Door {
    state: DoorState,
    waker: Option<Waker>,
}

enum DoorState {
    Open(TcpListener),
    /// Connects are refused. The socket, bound but not listening, keeps the port from being given to anyone else, and
    /// from being taken as the source port of a client, which would then connect to itself.
    Shut(Option<Socket>),
    /// For good.
    Stopped,
}

impl Listener {
    /// Listens on a free port. Needs no runtime around the caller.
    pub(super) fn bind(runtime: Handle) -> io::Result<Self> {
        let socket = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let listener = listen(socket, &runtime)?;
        let address = listener.local_addr()?;
        Ok(Self {
            address,
            runtime,
            door: Mutex::new(Door { state: DoorState::Open(listener), waker: None }),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(lock(&self.door).state, DoorState::Open(_))
    }

    /// The next connection; pending while shut, `None` once stopped.
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<TcpStream>>> {
        let mut door = lock(&self.door);
        door.waker = Some(cx.waker().clone());
        match &door.state {
            DoorState::Open(listener) => {
                listener.poll_accept(cx).map(|accepted| Some(accepted.map(|(stream, _)| stream)))
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
        door.wake();
    }
}

impl Door {
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Connections of before may still linger on the port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(socket: Socket, runtime: &Handle) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)?;
    let _inside = runtime.enter();
    TcpListener::from_std(socket.into())
}
