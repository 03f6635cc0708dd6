//! Latency and bandwidth on real connections.

use super::*;
use crate::clock;
use crate::units::Bytes;

#[tokio::test]
async fn latency_delays_its_own_direction_and_the_other_adds_up() {
    let (_proxy, route) = to_echo().await;
    let mut client = connect(at(&route)).await;
    for (name, stream, least) in [("down", Stream::Downstream, 40), ("up", Stream::Upstream, 80)] {
        route.add(spec(name, latency(40), stream, ALL)).unwrap();
        let start = clock::now();
        ping(&mut client).await.unwrap();
        assert!(clock::now() - start >= Duration::from_millis(least));
    }
}

#[tokio::test]
async fn an_idle_close_is_delayed_too() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, service) = pair(&route, &listener).await;
    route.add(spec("slow", latency(50), Stream::Downstream, ALL)).unwrap();
    let start = clock::now();
    drop(service);
    assert_eq!(soon(client.read(&mut [0])).await.unwrap(), 0);
    assert!(clock::now() - start >= Duration::from_millis(50));
}

#[tokio::test]
async fn data_in_flight_keeps_flowing() {
    let (_proxy, route) = to_echo().await;
    route.add(spec("slow", latency(100), Stream::Downstream, ALL)).unwrap();
    let mut client = connect(at(&route)).await;
    let start = clock::now();
    for sent in 1..=50_u64 {
        client.write_all(&[0; 1_000]).await.unwrap();
        until(|| route.counters().upstream_bytes == sent * 1_000).await;
    }
    soon(client.read_exact(&mut vec![0; 50_000])).await.unwrap();
    let took = clock::now() - start;
    // One delay and some overhead, not fifty in a row.
    assert!((Duration::from_millis(100)..Duration::from_millis(2_500)).contains(&took), "took {took:?}");
}

#[tokio::test]
async fn bulk_is_not_held_up_by_latency() {
    const TOTAL: usize = 24 << 20;
    let (_proxy, route, listener) = to_listener().await;
    route.add(spec("slow", latency(300), Stream::Upstream, ALL)).unwrap();
    let (mut client, mut service) = pair(&route, &listener).await;
    let sending = tokio::spawn(async move { client.write_all(&vec![1; TOTAL]).await });
    let start = clock::now();
    let mut got = vec![0; TOTAL];
    soon(service.read_exact(&mut got)).await.unwrap();
    soon(sending).await.unwrap().unwrap();
    // With 64 KiB in flight at a time it would take 384 delays.
    let took = clock::now() - start;
    assert!((Duration::from_millis(300)..Duration::from_secs(6)).contains(&took), "took {took:?}");
}

#[tokio::test]
async fn bandwidth_limits_and_the_sender_feels_it() {
    let (_proxy, route, listener) = to_listener().await;
    let rate = Bytes::new(400_000).per_second();
    route.add(spec("narrow", Toxic::Bandwidth { rate }, Stream::Upstream, ALL)).unwrap();
    let (mut client, mut service) = pair(&route, &listener).await;
    let start = clock::now();
    client.write_all(&vec![1; 100_000]).await.unwrap();
    soon(service.read_exact(&mut vec![0; 100_000])).await.unwrap();
    assert!(clock::now() - start >= Duration::from_millis(230));

    // A sender that cannot be held back would see all of this taken.
    let flood = vec![1; 64 << 20];
    let flooded = tokio::time::timeout(Duration::from_millis(300), client.write_all(&flood)).await;
    assert!(flooded.is_err());
}

#[tokio::test]
async fn toxics_are_passed_in_the_order_of_their_adding() {
    let (_proxy, route) = to_echo().await;
    route.add(spec("slow", latency(30), Stream::Downstream, ALL)).unwrap();
    route.add(spec("slower", latency(30), Stream::Downstream, ALL)).unwrap();
    let names: Vec<_> = route.counters().toxics.into_iter().map(|toxic| toxic.name).collect();
    assert_eq!(names, ["slow", "slower"]);
    let mut client = connect(at(&route)).await;
    let start = clock::now();
    ping(&mut client).await.unwrap();
    assert!(clock::now() - start >= Duration::from_millis(60));
}

#[tokio::test]
async fn an_address_may_move() {
    let (_proxy, route) = to_echo().await;
    let (_other, elsewhere, listener) = to_listener().await;
    let mut old = connect(at(&route)).await;
    ping(&mut old).await.unwrap();
    route.set_upstream(elsewhere.upstream().parse().unwrap());
    let (_client, _service) = pair(&route, &listener).await;
    ping(&mut old).await.unwrap();
}

#[tokio::test]
async fn small_messages_wait_for_no_acknowledgement() {
    let (_proxy, route) = to_echo().await;
    let mut client = connect(at(&route)).await;
    client.set_nodelay(true).unwrap();
    let start = clock::now();
    for _ in 0..25 {
        client.write_all(&[1]).await.unwrap();
        until(|| route.counters().upstream_bytes % 2 == 1).await;
        client.write_all(&[2]).await.unwrap();
        soon(client.read_exact(&mut [0; 2])).await.unwrap();
    }
    // An acknowledgement may be 40 ms late, each time.
    assert!(clock::now() - start < Duration::from_millis(600));
}
