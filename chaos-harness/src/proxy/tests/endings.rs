//! How connections end: what one peer does, the other sees.

use super::*;
use crate::clock;
use socket2::SockRef;
use std::io::ErrorKind;

fn reset(socket: TcpStream) {
    SockRef::from(&socket).set_linger(Some(Duration::ZERO)).expect("an open socket");
    drop(socket);
}

async fn read_error(socket: &mut TcpStream) -> Option<ErrorKind> {
    soon(socket.read_u8()).await.err().map(|error| error.kind())
}

/// A connection whose client has sent a question, and has finished writing.
async fn asked(route: &Route, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let (mut client, mut service) = pair(route, listener).await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let mut question = String::new();
    soon(service.read_to_string(&mut question)).await.unwrap();
    assert_eq!(question, "question");
    (client, service)
}

#[tokio::test]
async fn a_client_that_has_finished_writing_still_reads_the_answer() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = asked(&route, &listener).await;
    service.write_all(b"answer").await.unwrap();
    drop(service);
    let mut answer = String::new();
    soon(client.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "answer");
    until(|| route.counters().open == 0).await;
}

#[tokio::test]
async fn a_service_that_has_finished_writing_still_reads() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    service.shutdown().await.unwrap();
    assert_eq!(read_error(&mut client).await, Some(ErrorKind::UnexpectedEof));
    client.write_all(b"first").await.unwrap();
    assert_eq!(soon(service.read(&mut [0; 5])).await.unwrap(), 5);
    client.write_all(b"last").await.unwrap();
    drop(client);
    let mut rest = String::new();
    soon(service.read_to_string(&mut rest)).await.unwrap();
    assert_eq!(rest, "last");
}

#[tokio::test]
async fn a_client_that_finishes_and_leaves_without_reading_leaves_nothing_open() {
    let (_proxy, route, listener) = to_listener().await;
    let (client, mut service) = asked(&route, &listener).await;
    drop(client);
    // It goes on writing until it notices.
    soon(async { while service.write_all(&BLOCK).await.is_ok() {} }).await;
    until(|| route.counters().open == 0).await;
}

#[tokio::test]
async fn a_reset_of_one_peer_is_a_reset_at_the_other() {
    let (_proxy, route, listener) = to_listener().await;
    let (client, mut service) = pair(&route, &listener).await;
    reset(client);
    assert_eq!(read_error(&mut service).await, Some(ErrorKind::ConnectionReset));

    let (mut client, service) = pair(&route, &listener).await;
    reset(service);
    assert_eq!(read_error(&mut client).await, Some(ErrorKind::ConnectionReset));
    until(|| route.counters().open == 0).await;
}

#[tokio::test]
async fn a_client_that_leaves_a_busy_stream_ends_it_for_the_service() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    let writing = tokio::spawn(async move { while service.write_all(&BLOCK).await.is_ok() {} });
    soon(client.read_u8()).await.unwrap();
    drop(client);
    soon(writing).await.unwrap();
    until(|| route.counters().open == 0).await;
}

#[tokio::test]
async fn reset_peer_resets_live_idle_and_new_connections() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    route.add(spec("rst", RESET, Stream::Downstream, ALL)).unwrap();
    assert_eq!(route.counters().open, 0);
    assert_eq!(read_error(&mut client).await, Some(ErrorKind::ConnectionReset));
    assert_eq!(read_error(&mut service).await, Some(ErrorKind::ConnectionReset));

    let new = visit(at(&route)).await.map_err(|error| error.kind());
    assert_eq!(new, Err(ErrorKind::ConnectionReset));
    assert_eq!(route.remove("rst").unwrap().closed, 2);
}

#[tokio::test]
async fn reset_peer_waits_its_time_on_an_idle_connection() {
    let (_proxy, route) = to_echo().await;
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
    let (start, after) = (clock::now(), Duration::from_millis(80));
    route.add(spec("rst", Toxic::ResetPeer { after }, Stream::Downstream, ALL)).unwrap();
    ping(&mut client).await.unwrap();
    assert_eq!(read_error(&mut client).await, Some(ErrorKind::ConnectionReset));
    assert!(clock::now() - start >= after);
}

#[tokio::test]
async fn a_timeout_closes_when_its_time_is_up_although_data_keeps_coming() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    let (start, after) = (clock::now(), Duration::from_millis(120));
    route.add(spec("hole", Toxic::Timeout { after }, Stream::Downstream, ALL)).unwrap();
    let chatter = tokio::spawn(async move {
        while service.write_all(b"data").await.is_ok() {
            clock::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut seen = Vec::new();
    let _ = soon(client.read_to_end(&mut seen)).await;
    assert!(clock::now() - start >= after);
    assert_eq!(seen, b"");
    soon(chatter).await.unwrap();
    let counters = route.remove("hole").unwrap();
    assert_eq!((counters.touched_carried, counters.closed), (1, 1));
}

#[tokio::test]
async fn a_service_that_refuses_resets_the_client() {
    let (_proxy, route, listener) = to_listener().await;
    drop(listener);
    let mut client = std::net::TcpStream::connect(at(&route)).expect("the route listens");
    let seen = tokio::task::spawn_blocking(move || std::io::Read::read(&mut client, &mut [0]));
    let seen = soon(seen).await.expect("no panic").map_err(|error| error.kind());
    assert_eq!(seen, Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_reset_is_delayed_like_the_data_before_it() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    route.add(spec("slow", latency(60), Stream::Downstream, ALL)).unwrap();
    let start = clock::now();
    service.write_all(b"!").await.unwrap();
    until(|| route.counters().toxics[0].carried == 1).await;
    reset(service);
    assert_eq!(soon(client.read_u8()).await.unwrap(), b'!');
    assert_eq!(read_error(&mut client).await, Some(ErrorKind::ConnectionReset));
    assert!(clock::now() - start >= Duration::from_millis(60));
}
