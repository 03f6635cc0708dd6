//! A service that is built on another: passes each line that it is sent on to `--upstream`, and the answer back. Each of
//! its connections has one of its own to the other service.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::{env, thread};

fn main() -> io::Result<()> {
    let option = |name: &str| {
        let value = env::args().skip_while(|argument| argument != name).nth(1);
        value.ok_or_else(|| io::Error::other(format!("say `{name} …`")))
    };
    let port: u16 = option("--port")?.parse().map_err(io::Error::other)?;
    let upstream = option("--upstream")?;
    // It runs in a container, whose other addresses are the ones that are used.
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
    println!("listening on {}, in front of {upstream}", listener.local_addr()?);
    for connection in listener.incoming() {
        let (connection, upstream) = (connection?, upstream.clone());
        thread::spawn(move || {
            if let Err(error) = serve(connection, &upstream) {
                println!("{upstream}: {error}");
            }
        });
    }
    Ok(())
}

fn serve(connection: TcpStream, upstream: &str) -> io::Result<()> {
    let mut requests = BufReader::new(connection.try_clone()?);
    let mut connection = connection;
    let mut upstream = TcpStream::connect(upstream)?;
    let mut answers = BufReader::new(upstream.try_clone()?);
    let mut line = Vec::new();
    while requests.read_until(b'\n', &mut line)? > 0 {
        upstream.write_all(&line)?;
        line.clear();
        if answers.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        connection.write_all(&line)?;
        line.clear();
    }
    Ok(())
}
