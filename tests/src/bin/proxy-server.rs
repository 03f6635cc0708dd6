//! The embedded proxy as a server of its own: prints the address of its HTTP API. With `--silent` it counts nothing, as the
//! original does: what the API offers beyond Toxiproxy's is not found there. With `-port=N` it runs in a container.

use chaos_harness::Seed;
use chaos_harness::proxy::{ApiOptions, Proxy};
use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::{env, thread};

fn main() -> Result<(), Box<dyn Error>> {
    let proxy = Proxy::start(Seed::new(1))?;
    let port = env::args().find_map(|argument| argument.strip_prefix("-port=").map(str::to_owned));
    let listen = format!("127.0.0.1:{}", port.as_deref().unwrap_or("0"));
    let api = proxy.serve_api(ApiOptions { listen, ..ApiOptions::default() })?;
    if env::args().any(|argument| argument == "--silent") {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{}", listener.local_addr()?);
        let behind = api.address();
        for client in listener.incoming() {
            let client = client?;
            thread::spawn(move || keep_silent(client, behind));
        }
    }
    println!("{}", api.address());
    if port.is_none() {
        // Until whoever started it has gone.
        io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    loop {
        thread::park();
    }
}

/// Passes one connection on, unless it asks for counters.
fn keep_silent(client: TcpStream, behind: SocketAddr) -> io::Result<()> {
    let mut requests = BufReader::new(client.try_clone()?);
    let mut line = String::new();
    requests.read_line(&mut line)?;
    if line.contains("/counters ") {
        let text = "404 page not found\n";
        return write!(&client, "HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\n\r\n{text}", text.len());
    }
    let mut server = TcpStream::connect(behind)?;
    server.write_all(line.as_bytes())?;
    let (mut answers, mut back) = (server.try_clone()?, client);
    thread::spawn(move || {
        // Either side may leave at any time.
        drop(io::copy(&mut answers, &mut back));
        drop(back.shutdown(Shutdown::Write));
    });
    io::copy(&mut requests, &mut server)?;
    server.shutdown(Shutdown::Write)
}
