//! Sends back each byte that it is sent, on a free port of 127.0.0.1, for as many connections as a process may have.

use chaos_tests::descriptors::raise_limit;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Connections that wait to be accepted, before the kernel turns more away.
const BACKLOG: u32 = 4096;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    raise_limit()?;
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    println!("listening on {}", listener.local_addr()?);
    io::stdout().flush()?;
    loop {
        let (connection, _) = listener.accept().await?;
        tokio::spawn(echo(connection));
    }
}

async fn echo(mut connection: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 64];
    loop {
        match connection.read(&mut buffer).await? {
            0 => return Ok(()),
            count => connection.write_all(&buffer[..count]).await?,
        }
    }
}
