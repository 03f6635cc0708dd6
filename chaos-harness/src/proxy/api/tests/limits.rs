//! How much is read from whom.

use super::{Reply, Server};
use crate::proxy::api::{ReadRoutesError, read_routes};
use std::io::{ErrorKind, Read, Write};

const ALIVE: &str = "{}";

/// The start of the answer to a request with these header lines, and nothing where the connection was closed at once.
fn status(server: &Server, headers: &str) -> String {
    let mut stream = server.connect();
    // The API may close the connection before it has read them all.
    let _ = write!(stream, "GET /proxies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    let mut start = [0; 12];
    match stream.read_exact(&mut start) {
        Ok(()) => String::from_utf8_lossy(&start).into_owned(),
        Err(_) => String::new(),
    }
}

#[test]
fn a_head_has_so_many_lines_and_bytes_and_no_more() {
    let server = Server::start();
    let lines = |count: usize| "X: 1\r\n".repeat(count);
    assert_eq!(status(&server, &lines(98)), "HTTP/1.1 200");
    assert_eq!(status(&server, &lines(99)), "HTTP/1.1 431");
    let long = |bytes: usize| format!("X: {}\r\n", "x".repeat(bytes));
    assert_eq!(status(&server, &long(60_000)), "HTTP/1.1 200");
    let refused = status(&server, &long(1 << 20));
    assert!(refused.is_empty() || refused == "HTTP/1.1 431", "{refused}");
    assert_eq!(server.send("GET /proxies", "").body, ALIVE);
}

#[test]
fn connections_beyond_those_allowed_are_closed_at_once_and_there_is_room_when_one_ends() {
    let server = Server::start();
    let mut open: Vec<_> = (0..1_024).map(|_| server.connect()).collect();
    let mut beyond = server.connect();
    let closed = match beyond.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    };
    assert!(closed);
    // Those that were there are served.
    let first = &mut open[0];
    write!(first, "GET /proxies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("the API reads");
    let mut answer = String::new();
    first.read_to_string(&mut answer).expect("an answer in time");
    assert_eq!(Reply::read(&answer), Reply::json(200, ALIVE));
    drop(open);
    // The API learns of the ends one by one.
    loop {
        let mut stream = server.connect();
        let request = "GET /proxies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        if stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok_and(|read| read > 0)
        {
            assert_eq!(Reply::read(&answer).body, ALIVE);
            break;
        }
    }
}

#[test]
fn a_list_of_more_proxies_than_there_are_ports_is_refused() {
    let list = |count: usize| format!("[{}]", vec![r#"{"name":"a","upstream":"b:1"}"#; count].join(","));
    assert_eq!(read_routes(list(65_535).as_bytes()).map(|routes| routes.len()), Ok(65_535));
    // Nothing is read beyond the last that can be right: each takes far more room than its text.
    let wrong = list(65_536).replace(']', ",[]]");
    for many in [list(65_536), wrong] {
        assert_eq!(read_routes(many.as_bytes()), Err(ReadRoutesError::TooMany));
    }
    let server = Server::start();
    let reply = server.send("POST /populate", &list(65_536));
    let text = r#"{"error":"bad request body: more than 65535 proxies","status":400,"proxies":null}"#;
    assert_eq!((reply.status, reply.body.as_str()), (400, text));
}
