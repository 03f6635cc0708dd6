//! The bare relay: reads and writes with 64 KiB buffers, and can do nothing else.

use super::{Driver, Toxic};
use crate::outcome::Outcome;
use std::net::SocketAddr;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

const BUFFER: usize = 64 * 1024;

pub(super) struct Copy {
    runtime: Runtime,
}

impl Copy {
    pub(super) fn start() -> Outcome<Self> {
        Ok(Self { runtime: Builder::new_multi_thread().worker_threads(2).enable_all().build()? })
    }
}

impl Driver for Copy {
    fn open(&mut self, _route: usize, upstream: SocketAddr) -> Outcome<SocketAddr> {
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        self.runtime.spawn(async move {
            loop {
                if let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(relay(client, upstream));
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

async fn relay(mut client: TcpStream, upstream: SocketAddr) -> std::io::Result<()> {
    let mut service = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    service.set_nodelay(true)?;
    copy_bidirectional_with_sizes(&mut client, &mut service, BUFFER, BUFFER).await?;
    Ok(())
}
