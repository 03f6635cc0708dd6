//! Sends back each line that it is sent, on the port that `--port` names.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::{env, thread};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip_while(|argument| argument != "--port").skip(1);
    let port = arguments.next().and_then(|port| port.parse().ok());
    let port: u16 = port.ok_or_else(|| io::Error::other("say `--port NUMBER`"))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("listening on {}", listener.local_addr()?);
    for connection in listener.incoming() {
        let connection = connection?;
        thread::spawn(move || echo(connection));
    }
    Ok(())
}

fn echo(connection: TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?);
    let mut answers = connection;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        answers.write_all(&line)?;
        line.clear();
    }
    Ok(())
}
