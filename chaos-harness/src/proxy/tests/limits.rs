//! Pieces, limits, stalls, outages and late ends on real connections.

use super::*;
use crate::clock;
use crate::units::Bytes;

#[tokio::test]
async fn a_slow_close_delays_the_end_and_not_the_bytes() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    let slow = |delay| spec("late", Toxic::SlowClose { delay }, Stream::Downstream, ALL);
    route.add(slow(Duration::from_secs(60))).unwrap();
    service.write_all(b"last").await.unwrap();
    drop(service);
    soon(client.read_exact(&mut [0; 4])).await.unwrap();
    assert_eq!(route.counters().open, 1);
    route.update(slow(Duration::ZERO)).unwrap();
    assert_eq!(soon(client.read(&mut [0])).await.unwrap(), 0);

    let (mut client, service) = pair(&route, &listener).await;
    let delay = Duration::from_millis(50);
    route.update(slow(delay)).unwrap();
    let start = clock::now();
    drop(service);
    assert_eq!(soon(client.read(&mut [0])).await.unwrap(), 0);
    assert!(clock::now() - start >= delay);
}

#[tokio::test]
async fn limited_data_passes_to_the_byte_and_the_connection_is_closed_both_ways() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    route.add(spec("quota", Toxic::LimitData { bytes: Bytes::new(1_000) }, Stream::Downstream, ALL)).unwrap();
    service.write_all(&BLOCK[..999]).await.unwrap();
    soon(client.read_exact(&mut [0; 999])).await.unwrap();
    client.write_all(b"?").await.unwrap();
    soon(service.read_exact(&mut [0])).await.unwrap();
    service.write_all(&BLOCK[..10]).await.unwrap();
    let mut rest = Vec::new();
    soon(client.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, [1]);
    until(|| route.counters().toxics[0].closed == 1).await;
    assert_ne!(soon(service.read(&mut [0])).await.ok(), Some(1));
    until(|| route.counters().open == 0).await;
}

#[tokio::test]
async fn limited_data_is_exact_although_the_client_goes_on_sending() {
    const LIMIT: u64 = 1_000_000;
    let (_proxy, route, listener) = to_listener().await;
    route.add(spec("quota", Toxic::LimitData { bytes: Bytes::new(LIMIT) }, Stream::Downstream, ALL)).unwrap();
    for _ in 0..5 {
        let (client, mut service) = pair(&route, &listener).await;
        let (mut reading, mut writing) = client.into_split();
        let sending = tokio::spawn(async move { while writing.write_all(&BLOCK).await.is_ok() {} });
        let answering = tokio::spawn(async move { while service.write_all(&BLOCK).await.is_ok() {} });
        let mut seen = Vec::new();
        soon(reading.read_to_end(&mut seen)).await.unwrap();
        assert_eq!(seen.len() as u64, LIMIT);
        sending.abort();
        soon(answering).await.unwrap();
    }
}

#[tokio::test]
async fn a_slicer_of_zero_lets_data_flow_as_it_comes() {
    let (_proxy, route) = to_echo().await;
    let toxic = Toxic::Slicer { average: Bytes::new(0), variation: Bytes::new(0), delay: Duration::ZERO };
    route.add(spec("pieces", toxic, Stream::Downstream, ALL)).unwrap();
    let mut client = connect(at(&route)).await;
    client.write_all(&BLOCK).await.unwrap();
    soon(client.read_exact(&mut vec![0; BLOCK.len()])).await.unwrap();
}

#[tokio::test]
async fn sliced_data_arrives_in_pieces() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    let toxic = |delay| Toxic::Slicer { average: Bytes::new(10), variation: Bytes::new(0), delay };
    route.add(spec("pieces", toxic(Duration::from_millis(30)), Stream::Downstream, ALL)).unwrap();
    service.write_all(&BLOCK[..30]).await.unwrap();
    let mut buffer = [0; 100];
    for _ in 0..3 {
        assert_eq!(soon(client.read(&mut buffer)).await.unwrap(), 10);
    }
    // Without a pause nothing tells pieces apart at the receiver; they still all come.
    route.update(spec("pieces", toxic(Duration::ZERO), Stream::Downstream, ALL)).unwrap();
    let writing = tokio::spawn(async move { service.write_all(&BLOCK).await.map(|()| service) });
    soon(client.read_exact(&mut vec![0; BLOCK.len()])).await.unwrap();
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stall_holds_what_comes_after_and_loses_nothing() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    let stall = Toxic::Stall { after: Bytes::new(5), hold: Duration::ZERO };
    route.add(spec("stall", stall, Stream::Downstream, ALL)).unwrap();
    service.write_all(b"hello world").await.unwrap();
    let mut seen = [0; 5];
    soon(client.read_exact(&mut seen)).await.unwrap();
    until(|| route.counters().toxics[0].bytes == 11).await;
    assert_eq!(route.counters().downstream_bytes, 5);
    assert_eq!(route.remove("stall").unwrap().closed, 0);
    let mut rest = [0; 6];
    soon(client.read_exact(&mut rest)).await.unwrap();
    assert_eq!((&seen, &rest), (b"hello", b" world"));
}

#[tokio::test]
async fn an_outage_holds_both_directions_of_all_connections_and_passes() {
    let (_proxy, route) = to_echo().await;
    let mut old = connect(at(&route)).await;
    ping(&mut old).await.unwrap();
    let on = Duration::from_millis(150);
    let start = clock::now();
    let off = Duration::from_secs(60);
    route.add(spec("out", Toxic::Burst { on, off }, Stream::Downstream, ALL)).unwrap();
    let mut new = connect(at(&route)).await;
    for client in [&mut old, &mut new] {
        ping(client).await.unwrap();
        assert!(clock::now() - start >= on);
    }
    visit(at(&route)).await.unwrap();
}

#[tokio::test]
async fn a_rate_of_zero_holds_everything_and_lets_go_at_once() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    let rate = |rate| Toxic::Bandwidth { rate: Bytes::new(rate).per_second() };
    route.add(spec("cut", rate(0), Stream::Downstream, ALL)).unwrap();
    service.write_all(b"held").await.unwrap();
    until(|| route.counters().toxics[0].bytes == 4).await;
    assert_eq!(route.counters().downstream_bytes, 0);
    route.update(spec("cut", rate(1_000_000), Stream::Downstream, ALL)).unwrap();
    soon(client.read_exact(&mut [0; 4])).await.unwrap();
    route.update(spec("cut", rate(0), Stream::Downstream, ALL)).unwrap();
    service.write_all(b"more").await.unwrap();
    route.remove("cut").unwrap();
    soon(client.read_exact(&mut [0; 4])).await.unwrap();
}
