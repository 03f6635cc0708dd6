//! The share that was asked for is the share that was reached, and the counters say so.

use super::*;

#[tokio::test]
async fn a_share_of_pooled_connections_is_exact() {
    let (_proxy, route) = to_echo().await;
    let mut pool = Vec::new();
    for _ in 0..20 {
        let mut client = connect(at(&route)).await;
        ping(&mut client).await.unwrap();
        pool.push(client);
    }
    let share = Percent::new(15);
    route.add(spec("hole", TIMEOUT, Stream::Downstream, share)).unwrap();
    let counters = route.counters().toxics.remove(0);
    assert_eq!((counters.considered, counters.touched, counters.carried), (20, 3, 0));
    for client in &mut pool {
        client.write_all(&[1]).await.unwrap();
    }
    until(|| route.counters().toxics[0].carried == 20).await;
    let counters = route.remove("hole").unwrap();
    assert_eq!((counters.touched_carried, counters.closed), (3, 3));
    assert_eq!(counters.reached(), Some(share));
}

#[tokio::test]
async fn a_choice_is_not_thrown_again_when_others_change() {
    let (_proxy, route, listener) = to_listener().await;
    let mut pool = Vec::new();
    for _ in 0..10 {
        pool.push(pair(&route, &listener).await);
    }
    route.add(spec("hole", TIMEOUT, Stream::Upstream, Percent::new(50))).unwrap();
    for round in 0..5 {
        route.add(spec("other", latency(0), Stream::Upstream, Percent::new(50))).unwrap();
        route.remove("other").unwrap();
        for (client, _) in &mut pool {
            client.write_all(&[round]).await.unwrap();
        }
    }
    until(|| route.counters().toxics[0].carried == 10).await;
    // Either all of a connection's bytes came through, or none.
    let counters = route.remove("hole").unwrap();
    assert_eq!((counters.touched, counters.closed), (5, 5));
    let mut whole = 0;
    for (client, service) in &mut pool {
        client.shutdown().await.unwrap_or_default();
        let mut seen = Vec::new();
        let _ = soon(service.read_to_end(&mut seen)).await;
        assert!(seen.is_empty() || seen == [0, 1, 2, 3, 4], "{seen:?}");
        whole += usize::from(!seen.is_empty());
    }
    assert_eq!(whole, 5);
}

#[tokio::test]
async fn bytes_and_connections_are_counted_while_they_live() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    client.write_all(&[1; 300]).await.unwrap();
    soon(service.read_exact(&mut [0; 300])).await.unwrap();
    service.write_all(&[1; 20]).await.unwrap();
    soon(client.read_exact(&mut [0; 20])).await.unwrap();
    until(|| route.counters().upstream_bytes == 300 && route.counters().downstream_bytes == 20).await;
    assert_eq!((route.counters().opened, route.counters().open), (1, 1));
    drop((client, service));
    until(|| route.counters().open == 0).await;
    assert_eq!(route.counters().opened, 1);
}

#[tokio::test]
async fn only_bytes_in_the_toxics_direction_count() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    route.add(spec("slow", latency(1), Stream::Downstream, ALL)).unwrap();
    client.write_all(&[1]).await.unwrap();
    soon(service.read_u8()).await.unwrap();
    assert_eq!(route.counters().toxics[0].carried, 0);
    assert_eq!(route.counters().toxics[0].reached(), None);
    service.write_all(&[1]).await.unwrap();
    soon(client.read_u8()).await.unwrap();
    assert_eq!(route.remove("slow").unwrap().touched_carried, 1);
}

#[test]
fn no_runtime_is_needed_around_the_caller() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::start(Seed::new(3)).unwrap();
    let route = proxy.route("plain", listener.local_addr().unwrap()).unwrap();
    route.add(spec("down", Toxic::Down, Stream::Upstream, ALL)).unwrap();
    route.remove("down").unwrap();
    let mut client = std::net::TcpStream::connect(at(&route)).unwrap();
    client.write_all(b"hi").unwrap();
    let mut seen = [0; 2];
    listener.accept().unwrap().0.read_exact(&mut seen).unwrap();
    assert_eq!(&seen, b"hi");
}

#[tokio::test]
async fn requests_are_counted_where_the_client_speaks_after_the_service() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    route.add(spec("slow", latency(0), Stream::Downstream, ALL)).unwrap();
    for answers in [true, false, true] {
        // Two pieces that nothing is answered between are one request.
        for _ in 0..2 {
            client.write_all(&[1]).await.unwrap();
            soon(service.read_u8()).await.unwrap();
        }
        if answers {
            service.write_all(&[1]).await.unwrap();
            soon(client.read_u8()).await.unwrap();
        }
    }
    let (_other, _) = pair(&route, &listener).await;
    // To open a connection is to ask. The first bytes on it are no more than that.
    assert_eq!(route.counters().requests, 1 + 1 + 1);
    let counters = route.remove("slow").unwrap();
    assert_eq!((counters.requests, counters.touched_requests), (2, 2), "those since it was there");
}

#[tokio::test]
async fn requests_on_connections_that_a_toxic_spares_are_told_from_the_others() {
    let (_proxy, route) = to_echo().await;
    let mut pool = [connect(at(&route)).await, connect(at(&route)).await];
    for client in &mut pool {
        ping(client).await.unwrap();
    }
    route.add(spec("slow", latency(0), Stream::Downstream, Percent::new(50))).unwrap();
    for client in &mut pool {
        for _ in 0..3 {
            ping(client).await.unwrap();
        }
    }
    let counters = route.remove("slow").unwrap();
    assert_eq!((counters.touched, counters.requests, counters.touched_requests), (1, 6, 3));
}
