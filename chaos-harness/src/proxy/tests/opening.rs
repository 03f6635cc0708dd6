//! What holds up, refuses or counts new connections, and spares those that are open.

use super::*;
use crate::clock;
use std::io::ErrorKind;

const MILLIS_50: Duration = Duration::from_millis(50);

/// A route to a service that speaks first: a byte as soon as it is connected to.
async fn to_greeter() -> (Proxy, Route) {
    let (proxy, route, listener) = to_listener().await;
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = peer.write_all(&[1]).await;
                let _ = tokio::io::copy(&mut peer, &mut tokio::io::sink()).await;
            });
        }
    });
    (proxy, route)
}

#[tokio::test]
async fn a_greeting_waits_for_the_way_there_and_the_way_back() {
    let (_proxy, route) = to_greeter().await;
    for (name, stream) in [("there", Stream::Upstream), ("back", Stream::Downstream)] {
        route.add(spec(name, latency(50), stream, ALL)).unwrap();
    }
    let start = clock::now();
    let mut client = connect(at(&route)).await;
    soon(client.read_u8()).await.unwrap();
    assert!(clock::now() - start >= MILLIS_50 * 2);
}

#[tokio::test]
async fn a_question_waits_until_the_client_could_know_that_it_is_connected() {
    let (_proxy, route) = to_echo().await;
    route.add(spec("back", latency(50), Stream::Downstream, ALL)).unwrap();
    let start = clock::now();
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
    assert!(clock::now() - start >= MILLIS_50 * 2, "connecting, and the answer");
    let start = clock::now();
    ping(&mut client).await.unwrap();
    assert!(clock::now() - start >= MILLIS_50, "the answer");
}

#[tokio::test]
async fn a_removed_latency_holds_no_opening_up_any_more() {
    let (_proxy, route, listener) = to_listener().await;
    route.add(spec("there", latency(60_000), Stream::Upstream, ALL)).unwrap();
    let _client = connect(at(&route)).await;
    until(|| route.counters().toxics[0].touched == 1).await;
    route.remove("there").unwrap();
    soon(listener.accept()).await.unwrap();
}

#[tokio::test]
async fn delayed_connections_spare_those_that_are_open() {
    let (_proxy, route) = to_echo().await;
    let mut old = connect(at(&route)).await;
    ping(&mut old).await.unwrap();
    let minute = Duration::from_secs(60);
    let toxic = |delay| Toxic::DelayConnections { delay, jitter: Duration::ZERO };
    route.add(spec("late", toxic(minute), Stream::Downstream, ALL)).unwrap();
    let mut new = connect(at(&route)).await;
    new.write_all(&[7]).await.unwrap();
    until(|| route.counters().open == 2).await;
    ping(&mut old).await.unwrap();
    assert_eq!(route.counters().toxics[0].carried, 2, "the old one carried data past it");
    route.remove("late").unwrap();
    assert_eq!(soon(new.read_u8()).await.unwrap(), 7);

    route.add(spec("late", toxic(MILLIS_50), Stream::Downstream, ALL)).unwrap();
    let start = clock::now();
    visit(at(&route)).await.unwrap();
    assert!(clock::now() - start >= MILLIS_50);
}

#[tokio::test]
async fn refused_connections_spare_those_that_are_open() {
    let (_proxy, route) = to_echo().await;
    let mut old = connect(at(&route)).await;
    ping(&mut old).await.unwrap();
    route.add(spec("full", Toxic::RefuseConnections, Stream::Downstream, ALL)).unwrap();
    let refused = TcpStream::connect(at(&route)).await.map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));
    ping(&mut old).await.unwrap();
    assert_eq!(route.remove("full").unwrap().closed, 0);
    visit(at(&route)).await.unwrap();

    route.add(spec("half", Toxic::RefuseConnections, Stream::Downstream, Percent::new(50))).unwrap();
    let mut lost = 0;
    for _ in 0..10 {
        lost += usize::from(visit(at(&route)).await.is_err());
    }
    assert_eq!(lost, 5);
    ping(&mut old).await.unwrap();
}

fn limit(connections: u32, wait: Duration) -> ToxicSpec {
    spec("pool", Toxic::LimitConnections { connections, wait }, Stream::Downstream, ALL)
}

#[tokio::test]
async fn beyond_the_limit_new_connections_are_reset_until_a_place_is_free() {
    let (_proxy, route) = to_echo().await;
    let mut old = connect(at(&route)).await;
    ping(&mut old).await.unwrap();
    route.add(limit(2, Duration::ZERO)).unwrap();
    let mut second = connect(at(&route)).await;
    ping(&mut second).await.unwrap();
    assert!(visit(at(&route)).await.is_err(), "both places are taken");
    ping(&mut old).await.unwrap();
    drop(old);
    until(|| route.counters().open == 1).await;
    visit(at(&route)).await.unwrap();
    assert_eq!(route.counters().toxics[0].closed, 1);
}

#[tokio::test]
async fn who_may_wait_gets_the_place_that_becomes_free_or_is_reset() {
    let (_proxy, route) = to_echo().await;
    route.add(limit(1, Duration::from_secs(60))).unwrap();
    let mut first = connect(at(&route)).await;
    ping(&mut first).await.unwrap();
    let mut second = connect(at(&route)).await;
    second.write_all(&[9]).await.unwrap();
    until(|| route.counters().open == 2).await;
    drop(first);
    assert_eq!(soon(second.read_u8()).await.unwrap(), 9);

    route.update(limit(1, MILLIS_50)).unwrap();
    let start = clock::now();
    assert!(visit(at(&route)).await.is_err());
    assert!(clock::now() - start >= MILLIS_50);
    route.remove("pool").unwrap();
    visit(at(&route)).await.unwrap();
    ping(&mut second).await.unwrap();
}
