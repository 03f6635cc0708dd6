//! A share of the time of each connection, so that it is true of one long-lived connection too.

use super::*;
use crate::clock;

#[tokio::test]
async fn one_pooled_connection_gets_its_share_and_the_counters_say_how_much() {
    let (_proxy, route, listener) = to_listener().await;
    let (client, mut service) = pair(&route, &listener).await;
    let slice = Duration::from_millis(5);
    route.add(spec("slow", latency(1), Stream::Downstream, Percent::new(30)).slice(slice)).unwrap();
    let start = clock::now();
    while clock::now() - start < slice * 200 {
        service.write_all(&[1]).await.unwrap();
        clock::sleep(slice / 5).await;
    }
    until(|| route.counters().toxics[0].bytes == route.counters().downstream_received).await;
    let counters = route.remove("slow").unwrap();
    assert_eq!((counters.considered, counters.touched, counters.touched_carried), (1, 1, 1));
    // By time it is exact; by bytes as far as they come evenly.
    let share = counters.touched_bytes as f64 / counters.bytes as f64;
    assert!((0.15..0.5).contains(&share), "{} of {} bytes", counters.touched_bytes, counters.bytes);
    drop(client);
}

#[tokio::test]
async fn bytes_of_other_slices_wait_for_those_before_them() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    let slice = Duration::from_millis(1);
    route.add(spec("slow", latency(20), Stream::Downstream, Percent::new(50)).slice(slice)).unwrap();
    let sending = tokio::spawn(async move {
        for round in 0..200_u8 {
            service.write_all(&[round]).await.unwrap();
            clock::sleep(Duration::from_micros(300)).await;
        }
    });
    let mut seen = [0; 200];
    soon(client.read_exact(&mut seen)).await.unwrap();
    sending.await.unwrap();
    assert!(seen.iter().enumerate().all(|(index, byte)| index == usize::from(*byte)));
}

#[tokio::test]
async fn another_share_of_time_holds_on_live_connections() {
    let (_proxy, route) = to_echo().await;
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
    let slow = |share| spec("slow", latency(60), Stream::Downstream, share).slice(Duration::from_millis(5));
    route.add(slow(Percent::ZERO)).unwrap();
    route.update(slow(ALL)).unwrap();
    let start = clock::now();
    ping(&mut client).await.unwrap();
    assert!(clock::now() - start >= Duration::from_millis(60));
    route.update(slow(Percent::ZERO)).unwrap();
    let before = route.counters().toxics[0].touched_bytes;
    ping(&mut client).await.unwrap();
    assert_eq!(route.counters().toxics[0].touched_bytes, before);
}

#[tokio::test]
async fn what_loses_bytes_or_ends_connections_has_no_slices() {
    use crate::proxy::error::ProxyError;
    let (_proxy, route) = to_echo().await;
    let wrong = [TIMEOUT, RESET, Toxic::Down, Toxic::RefuseConnections];
    for toxic in wrong {
        let sliced = spec("no", toxic, Stream::Downstream, ALL).slice(Duration::from_millis(1));
        assert!(matches!(route.add(sliced), Err(ProxyError::InvalidToxic { .. })), "{toxic}");
    }
    let nothing = spec("no", latency(1), Stream::Downstream, ALL).slice(Duration::ZERO);
    assert!(matches!(route.add(nothing), Err(ProxyError::InvalidToxic { .. })));
}
