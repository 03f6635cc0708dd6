//! Requests that are slow, broken or large, and the end of the API.

use super::{Reply, Server};
use crate::proxy::Proxy;
use crate::proxy::api::{ApiError, ApiOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

const ALIVE: &str = "{}";

#[test]
fn a_request_that_does_not_go_on_holds_up_no_other() {
    let server = Server::start();
    let stuck: Vec<_> = [
        "",
        "POST /prox",
        "POST /proxies HTTP/1.1\r\nHost: localhost\r\n",
        "POST /proxies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"name\":",
        "POST /populate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n[",
        "POST /reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n",
    ]
    .iter()
    .map(|part| {
        let mut stream = server.connect();
        stream.write_all(part.as_bytes()).expect("the API reads");
        stream
    })
    .collect();
    assert_eq!(server.send("GET /proxies", "").body, ALIVE);
    server.create("a");
    assert_eq!(server.send("DELETE /proxies/a", "").status, 204);
    drop(stuck);
    assert_eq!(server.send("GET /proxies", "").body, ALIVE);
}

#[test]
fn what_is_no_http_is_refused_and_the_api_goes_on() {
    let server = Server::start();
    for request in
        ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET /proxies HTTP/9.9\r\n\r\n", "{\"name\":1}\r\n\r\n"]
    {
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).expect("the API reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the connection is closed");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
    }
    let malformed = server.send("GET /proxies/%zz", "");
    assert_eq!((malformed.status, malformed.body.as_str()), (400, "400 Bad Request"));
    assert_eq!(server.send("GET /proxies", "").body, ALIVE);
}

#[test]
fn a_body_that_is_too_large_is_refused_without_being_read() {
    let server = Server::start();
    let text = "request body too large: it can have 8388608 bytes at most";
    let mut stream = server.connect();
    stream
        .write_all(
            b"POST /proxies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 8388609\r\n\r\n",
        )
        .expect("the API reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in time");
    assert_eq!(Reply::read(&answer), Reply::error(413, text));
}

#[test]
fn a_body_that_grows_too_large_is_refused() {
    let server = Server::start();
    let mut stream = server.connect();
    stream
        .write_all(b"POST /proxies HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        .expect("the API reads");
    let chunk = [b"10000\r\n", " ".repeat(65_536).as_bytes(), b"\r\n"].concat();
    // The API may close the connection before it has read them all.
    for _ in 0..129 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let mut start = [0; 12];
    if stream.read_exact(&mut start).is_ok() {
        assert_eq!(&start, b"HTTP/1.1 413");
    }
    assert_eq!(server.send("GET /proxies", "").body, ALIVE);
}

#[test]
fn deep_nesting_is_refused_and_harms_nothing() {
    let server = Server::start();
    let text = "bad request body: invalid character '[' exceeded max depth";
    let deep = "[".repeat(100_000);
    assert_eq!(
        server.send("POST /populate", &deep).body,
        format!(r#"{{"error":"{text}","status":400,"proxies":null}}"#)
    );
    let allowed = format!("{}{}", "[".repeat(9_999), "]".repeat(9_999));
    let body = format!(r#"{{"x":{allowed},"name":"a","upstream":"u:1","enabled":false}}"#);
    assert_eq!(server.send("POST /proxies", &body).status, 201);
}

#[test]
fn a_client_that_has_finished_writing_is_answered() {
    let server = Server::start();
    // The answer and the end of the request are on their way at the same time: either may be the first.
    for _ in 0..50 {
        let mut stream = server.connect();
        stream
            .write_all(b"POST /reset HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .expect("the API reads");
        stream.shutdown(Shutdown::Write).expect("it is open");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer in time");
        assert_eq!(Reply::read(&answer), Reply::empty(204));
    }
}

#[test]
fn a_client_that_asks_before_it_sends_its_body_is_told_to_go_on() {
    let server = Server::start();
    let body = r#"{"name":"a","upstream":"u:1","enabled":false}"#;
    let mut stream = server.connect();
    write!(
        stream,
        "POST /proxies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .expect("the API reads");
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut told = vec![0; go_on.len()];
    stream.read_exact(&mut told).expect("an answer in time");
    assert_eq!(told, go_on);
    stream.write_all(body.as_bytes()).expect("the API reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in time");
    assert_eq!(Reply::read(&answer).status, 201);
}

#[test]
fn a_body_that_breaks_off_is_refused() {
    let server = Server::start();
    let mut stream = server.connect();
    stream
        .write_all(b"POST /proxies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"name\":")
        .expect("the API reads");
    stream.shutdown(Shutdown::Write).expect("it is open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in time");
    assert_eq!(Reply::read(&answer), Reply::error(400, "bad request body: unexpected EOF"));
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let server = Server::start();
    let mut stream = server.connect();
    let request = "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n";
    write!(stream, "{request}{request}POST /reset HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("it is read");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("answers in time");
    let statuses: Vec<_> = answers.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")).collect();
    assert_eq!(statuses, ["200 OK", "200 OK", "204 No Content"]);
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listen = taken.local_addr().expect("bound").to_string();
    let proxy = Proxy::start(crate::Seed::new(1)).expect("threads start");
    let error = proxy
        .serve_api(ApiOptions { listen: listen.clone(), ..ApiOptions::default() })
        .expect_err("it is taken");
    let ApiError::Listen { address, source } = &error else { panic!("{error}") };
    assert_eq!((address, source.kind()), (&listen, io::ErrorKind::AddrInUse));
    assert!(error.to_string().contains(&listen), "{error}");
}

#[test]
fn dropping_the_api_frees_its_port_and_leaves_the_routes() {
    let server = Server::start();
    let listen = server.create("a");
    let mut idle = server.connect();
    let Server { proxy, api } = server;
    let address = api.address();
    drop(api);
    TcpListener::bind(address).expect("the port is free again");
    let ended = idle.read(&mut [0; 1]);
    assert!(
        matches!(ended, Ok(0)) || ended.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
    );
    TcpStream::connect(listen).expect("the route serves on");
    drop(proxy);
}

#[test]
fn dropping_the_proxy_ends_its_api() {
    let Server { proxy, api } = Server::start();
    let address = api.address();
    drop(proxy);
    while TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    drop(api);
}

/// Updates the toxic again and again over one connection; each time the attribute must have the new value afterwards.
fn keep_updating(server: &Server, attribute: &str) {
    let mut stream = BufReader::new(server.connect());
    for value in 1..=1_000 {
        let body = format!("{{\"attributes\":{{\"{attribute}\":{value}}}}}");
        let path = "/proxies/a/toxics/l HTTP/1.1\r\nHost: localhost\r\n";
        let length = body.len();
        let requests = format!("PATCH {path}Content-Length: {length}\r\n\r\n{body}GET {path}\r\n");
        stream.get_mut().write_all(requests.as_bytes()).expect("they are read");
        for _ in ["the update's answer", "what is in force now"] {
            let shown = next_body(&mut stream);
            assert!(shown.contains(&format!("\"{attribute}\":{value}")), "{value}: {shown}");
        }
    }
}

fn next_body(stream: &mut BufReader<TcpStream>) -> String {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).expect("an answer in time");
        if let Some(bytes) = line.strip_prefix("Content-Length: ") {
            length = bytes.trim().parse().expect("a number");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("an answer in time");
    String::from_utf8(body).expect("text")
}

#[test]
fn updates_at_the_same_time_lose_none_of_their_attributes() {
    let server = Server::start();
    server.create("a");
    server.send("POST /proxies/a/toxics", r#"{"name":"l","type":"latency"}"#);
    std::thread::scope(|scope| {
        for attribute in ["latency", "jitter"] {
            let server = &server;
            scope.spawn(move || keep_updating(server, attribute));
        }
    });
}
