//! Toxics are added and removed at once, whatever the connection is doing.

use super::*;
use crate::clock;
use crate::units::Bytes;
use std::time::Instant;

/// A connection whose service sends without end to a client that does not read.
async fn stuck(route: &Route, listener: &TcpListener) -> (TcpStream, tokio::task::JoinHandle<()>) {
    let (client, mut service) = pair(route, listener).await;
    let writing = tokio::spawn(async move { while service.write_all(&BLOCK).await.is_ok() {} });
    // The way is blocked once nothing more gets through.
    let mut delivered = 0;
    soon(async {
        loop {
            clock::sleep(Duration::from_millis(50)).await;
            let now = route.counters().downstream_bytes;
            if now == delivered && now > 0 {
                break;
            }
            delivered = now;
        }
    })
    .await;
    (client, writing)
}

fn every_toxic() -> Vec<Toxic> {
    let minute = Duration::from_secs(60);
    vec![
        Toxic::Latency { delay: minute, jitter: minute },
        Toxic::Bandwidth { rate: Bytes::new(1).per_second() },
        TIMEOUT,
        Toxic::Timeout { after: minute },
        Toxic::ResetPeer { after: minute },
    ]
}

fn prompt(start: Instant) {
    assert!(clock::now() - start < Duration::from_secs(1));
}

#[tokio::test]
async fn nothing_hangs_while_a_client_does_not_read() {
    let (_proxy, route, listener) = to_listener().await;
    let (client, writing) = stuck(&route, &listener).await;
    let start = clock::now();
    for toxic in every_toxic() {
        route.add(spec("toxic", toxic, Stream::Downstream, ALL)).unwrap();
        route.remove("toxic").unwrap();
    }
    // Others are served meanwhile.
    let (mut other, mut service) = pair(&route, &listener).await;
    other.write_all(b"x").await.unwrap();
    assert_eq!(soon(service.read_u8()).await.unwrap(), b'x');
    drop(client);
    soon(writing).await.unwrap();
    prompt(start);
}

#[tokio::test]
async fn nothing_hangs_while_clients_leave() {
    let (_proxy, route, listener) = to_listener().await;
    for _ in 0..20 {
        for toxic in every_toxic() {
            let (mut client, mut service) = pair(&route, &listener).await;
            let writing = tokio::spawn(async move { while service.write_all(&BLOCK).await.is_ok() {} });
            soon(client.read_u8()).await.unwrap();
            route.add(spec("toxic", toxic, Stream::Downstream, ALL)).unwrap();
            drop(client);
            let start = clock::now();
            route.remove("toxic").unwrap();
            prompt(start);
            soon(writing).await.unwrap();
        }
    }
    until(|| route.counters().open == 0).await;
}

#[tokio::test]
async fn what_latency_held_back_comes_at_once_and_in_order() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    route.add(spec("slow", latency(60_000), Stream::Downstream, ALL)).unwrap();
    service.write_all(b"before ").await.unwrap();
    until(|| route.counters().toxics[0].carried == 1).await;
    route.remove("slow").unwrap();
    service.write_all(b"after").await.unwrap();
    let mut seen = [0; 12];
    soon(client.read_exact(&mut seen)).await.unwrap();
    assert_eq!(&seen, b"before after");
}

#[tokio::test]
async fn a_removed_timeout_closes_what_lost_bytes_and_spares_the_rest() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut robbed, mut service) = pair(&route, &listener).await;
    let (mut idle, mut idle_service) = pair(&route, &listener).await;
    route.add(spec("hole", TIMEOUT, Stream::Downstream, ALL)).unwrap();
    service.write_all(b"lost").await.unwrap();
    until(|| route.counters().toxics[0].touched_carried == 1).await;
    assert_eq!(route.counters().open, 2);
    let counters = route.remove("hole").unwrap();
    assert_eq!((counters.considered, counters.carried, counters.closed), (2, 1, 1));
    assert_eq!(soon(robbed.read(&mut [0])).await.unwrap(), 0);
    idle_service.write_all(b"!").await.unwrap();
    assert_eq!(soon(idle.read_u8()).await.unwrap(), b'!');
}

#[tokio::test]
async fn a_timeout_closes_with_an_end_although_data_is_unread() {
    let (_proxy, route, listener) = to_listener().await;
    for after in [Duration::ZERO, Duration::from_millis(50)] {
        let (mut client, _service) = pair(&route, &listener).await;
        route.add(spec("hole", Toxic::Timeout { after }, Stream::Upstream, ALL)).unwrap();
        soon(client.writable()).await.unwrap();
        // More than the proxy takes.
        while client.try_write(&BLOCK).is_ok() {}
        if after.is_zero() {
            until(|| route.counters().toxics[0].touched_carried == 1).await;
            route.remove("hole").unwrap();
        }
        assert_eq!(soon(client.read(&mut [0])).await.unwrap(), 0);
        let _ = route.remove("hole");
    }
}

#[tokio::test]
async fn an_end_that_a_timeout_withheld_is_only_late() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    route.add(spec("hole", TIMEOUT, Stream::Downstream, ALL)).unwrap();
    service.shutdown().await.unwrap();
    let nothing = tokio::time::timeout(Duration::from_millis(100), client.read(&mut [0])).await;
    assert!(nothing.is_err());
    assert_eq!(route.remove("hole").unwrap().closed, 0);
    assert_eq!(soon(client.read(&mut [0])).await.unwrap(), 0);
    client.write_all(b"x").await.unwrap();
    assert_eq!(soon(service.read_u8()).await.unwrap(), b'x');
}

#[tokio::test]
async fn a_removed_reset_no_longer_threatens() {
    let (_proxy, route) = to_echo().await;
    let after = Duration::from_millis(100);
    route.add(spec("rst", Toxic::ResetPeer { after }, Stream::Downstream, ALL)).unwrap();
    let mut client = connect(at(&route)).await;
    until(|| route.counters().toxics[0].touched == 1).await;
    route.remove("rst").unwrap();
    let start = clock::now();
    while clock::now() - start < after * 2 {
        ping(&mut client).await.unwrap();
    }
}

#[tokio::test]
async fn names_are_told_apart_and_nonsense_is_refused() {
    use crate::proxy::error::ProxyError;
    let (proxy, route, _listener) = to_listener().await;
    let nothing = Toxic::Slicer { average: Bytes::new(1), variation: Bytes::new(2), delay: Duration::ZERO };
    let refused = route.add(spec("none", nothing, Stream::Upstream, ALL));
    assert!(matches!(refused, Err(ProxyError::InvalidToxic { .. })));
    route.add(spec("slow", latency(1), Stream::Upstream, ALL)).unwrap();
    let twice = route.add(spec("slow", latency(1), Stream::Downstream, ALL));
    assert!(matches!(twice, Err(ProxyError::ToxicExists { .. })));
    route.remove("slow").unwrap();
    assert!(matches!(route.remove("slow"), Err(ProxyError::NoSuchToxic { .. })));
    assert!(matches!(proxy.route("service", at(&route)), Err(ProxyError::RouteExists(_))));
}

#[tokio::test]
async fn a_dropped_proxy_leaves_nothing_open() {
    use crate::proxy::error::ProxyError;
    let (proxy, route) = to_echo().await;
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
    drop(proxy);
    assert!(ping(&mut client).await.is_err());
    assert!(TcpStream::connect(at(&route)).await.is_err());
    let late = route.add(spec("slow", latency(1), Stream::Upstream, ALL));
    assert!(matches!(late, Err(ProxyError::Stopped(_))));
    assert_eq!(route.counters().open, 0);
}
