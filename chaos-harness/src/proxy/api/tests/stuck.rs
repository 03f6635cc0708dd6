//! No call hangs, whatever the connections do: the oldest trouble of the original, which answers 503 after 25 s.

use super::{Reply, SOON, Server};
use crate::clock;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const TOXICS: [&str; 5] = [
    r#"{"name":"t","type":"latency","attributes":{"latency":60000}}"#,
    r#"{"name":"t","type":"bandwidth","attributes":{"rate":1}}"#,
    r#"{"name":"t","type":"timeout"}"#,
    r#"{"name":"t","type":"slicer","attributes":{"average_size":64}}"#,
    r#"{"name":"t","type":"reset_peer","attributes":{"timeout":60000}}"#,
];

/// A service that sends without end to whoever connects.
fn source() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                while stream.write_all(&[1; 16_384]).is_ok() {}
            });
        }
    });
    address
}

fn proxy_of_source(server: &Server) -> String {
    let upstream = source();
    let body = format!(r#"{{"name":"busy","listen":"127.0.0.1:0","upstream":"{upstream}"}}"#);
    assert_eq!(server.send("POST /proxies", &body).status, 201);
    server.listen("busy")
}

/// A client that data flows to.
fn client(address: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).expect("the proxy listens");
    client.set_read_timeout(Some(SOON)).expect("a timeout");
    client.read_exact(&mut [0]).expect("data flows");
    client
}

/// Calls, and sees that the answer was no matter of waiting for a connection.
fn prompt(server: &Server, request: &str, body: &str) -> Reply {
    let began = clock::now();
    let reply = server.send(request, body);
    assert!(clock::now() - began < Duration::from_secs(1), "{request}");
    reply
}

#[test]
fn no_call_waits_for_a_client_that_does_not_read() {
    let server = Server::start();
    let address = proxy_of_source(&server);
    let _does_not_read = client(&address);
    for toxic in TOXICS {
        assert_eq!(prompt(&server, "POST /proxies/busy/toxics", toxic).status, 200);
        assert_eq!(prompt(&server, "GET /proxies", "").status, 200);
        assert_eq!(prompt(&server, "DELETE /proxies/busy/toxics/t", "").status, 204);
        drop(client(&address));
    }
    assert_eq!(prompt(&server, "DELETE /proxies/busy", "").status, 204);
}

#[test]
fn no_call_waits_for_a_client_that_leaves() {
    let server = Server::start();
    let address = proxy_of_source(&server);
    for toxic in TOXICS.into_iter().cycle().take(20) {
        let leaves = client(&address);
        assert_eq!(prompt(&server, "POST /proxies/busy/toxics", toxic).status, 200);
        drop(leaves);
        assert_eq!(prompt(&server, "DELETE /proxies/busy/toxics/t", "").status, 204);
        assert_eq!(prompt(&server, "GET /proxies", "").status, 200);
    }
}
