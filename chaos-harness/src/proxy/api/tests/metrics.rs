//! `GET /metrics`.

use super::{SOON, Server};
use crate::proxy::api::ApiOptions;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

#[test]
fn bytes_count_while_their_connection_is_open() {
    let server = Server::with(ApiOptions { proxy_metrics: true, ..ApiOptions::default() });
    let service = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let upstream = service.local_addr().expect("bound");
    let route = server.proxy.route("a", upstream).expect("a free port");
    let listener = route.listen();
    server.send("POST /proxies/a/toxics", r#"{"name":"l","type":"latency","stream":"upstream"}"#);

    let mut client = TcpStream::connect(&listener).expect("it listens");
    let (mut peer, _) = service.accept().expect("the proxy dials");
    for stream in [&client, &peer] {
        stream.set_read_timeout(Some(SOON)).expect("a timeout");
    }
    client.write_all(b"hello").expect("it is read");
    peer.read_exact(&mut [0; 5]).expect("it arrives");
    peer.write_all(b"yes").expect("it is read");
    client.read_exact(&mut [0; 3]).expect("it arrives");
    while route.counters().downstream_bytes < 3 {
        std::thread::yield_now();
    }

    let reply = server.send("GET /metrics", "");
    assert_eq!(reply.content_type.as_deref(), Some("text/plain; version=0.0.4; charset=utf-8"));
    let labels = |direction: &str| {
        format!("{{direction=\"{direction}\",listener=\"{listener}\",proxy=\"a\",upstream=\"{upstream}\"}}")
    };
    let (down, up) = (labels("downstream"), labels("upstream"));
    let expected = format!(
        "# HELP toxiproxy_proxy_received_bytes_total \n\
         # TYPE toxiproxy_proxy_received_bytes_total counter\n\
         toxiproxy_proxy_received_bytes_total{down} 3\n\
         toxiproxy_proxy_received_bytes_total{up} 5\n\
         # HELP toxiproxy_proxy_sent_bytes_total \n\
         # TYPE toxiproxy_proxy_sent_bytes_total counter\n\
         toxiproxy_proxy_sent_bytes_total{down} 3\n\
         toxiproxy_proxy_sent_bytes_total{up} 5\n"
    );
    assert!(reply.body.starts_with(&expected), "{}", reply.body);
    let touched = "chaos_toxic_connections_touched_total{proxy=\"a\",toxic=\"l\"} 1\n";
    assert!(reply.body.contains(touched), "{}", reply.body);
    assert!(!reply.body.contains("process_"), "{}", reply.body);
}

#[test]
fn the_process_is_shown_where_that_is_asked_for() {
    let server = Server::with(ApiOptions { runtime_metrics: true, ..ApiOptions::default() });
    server.create("a");
    let body = server.send("GET /metrics", "").body;
    assert!(body.contains("\nchaos_runtime_workers 2\n"), "{body}");
    assert!(!body.contains("toxiproxy_"), "{body}");
    if cfg!(target_os = "linux") {
        let resident = body.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
        let resident: f64 = resident.and_then(|bytes| bytes.parse().ok()).expect("it is known");
        assert!(resident > 1e6, "{body}");
    }
}
