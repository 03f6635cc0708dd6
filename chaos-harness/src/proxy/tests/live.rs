//! Toxics that change while connections live.

use super::*;
use crate::proxy::{ProxyError, Toxicity};
use crate::units::Bytes;

#[tokio::test]
async fn a_shorter_delay_holds_for_what_is_on_its_way() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    route.add(spec("slow", latency(60_000), Stream::Downstream, ALL)).unwrap();
    service.write_all(b"a").await.unwrap();
    until(|| route.counters().toxics[0].carried == 1).await;
    route.update(spec("slow", latency(1), Stream::Downstream, ALL)).unwrap();
    assert_eq!(soon(client.read_u8()).await.unwrap(), b'a');
    assert_eq!(route.toxic("slow").map(|spec| spec.toxic), Some(latency(1)));
}

#[tokio::test]
async fn a_reset_that_is_put_off_counts_from_now() {
    let (_proxy, route) = to_echo().await;
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
    let reset = |after| spec("rst", Toxic::ResetPeer { after }, Stream::Downstream, ALL);
    route.add(reset(Duration::from_secs(60))).unwrap();
    ping(&mut client).await.unwrap();
    route.update(reset(Duration::ZERO)).unwrap();
    assert!(ping(&mut client).await.is_err());
}

#[tokio::test]
async fn another_toxicity_decides_anew_and_nothing_else_does() {
    let (_proxy, route) = to_echo().await;
    let mut pool = Vec::new();
    for _ in 0..8 {
        let mut client = connect(at(&route)).await;
        ping(&mut client).await.unwrap();
        pool.push(client);
    }
    let slow = |millis, share| spec("slow", latency(millis), Stream::Downstream, Percent::new(share));
    route.add(slow(60_000, 50)).unwrap();
    let first = route.trace().decisions;
    route.update(slow(60_001, 50)).unwrap();
    assert_eq!(route.trace().decisions, first, "other parameters are no reason to decide again");
    assert_eq!(route.counters().toxics[0].touched, 4);
    route.update(slow(60_000, 0)).unwrap();
    until(|| route.counters().toxics[0].touched == 0).await;
    for client in &mut pool {
        ping(client).await.unwrap();
    }
    route.update(slow(60_000, 100)).unwrap();
    until(|| route.counters().toxics[0].touched == 8).await;
    for client in &mut pool {
        client.write_all(&[1]).await.unwrap();
    }
    until(|| route.counters().downstream_received == 8 + 8 + 8).await;
    assert_eq!(route.counters().downstream_bytes, 8 + 8);
}

#[tokio::test]
async fn a_toxic_that_begins_to_touch_takes_its_old_place_in_the_chain() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    let stall = Toxic::Stall { after: Bytes::new(2), hold: Duration::ZERO };
    route.add(spec("stall", stall, Stream::Downstream, Percent::ZERO)).unwrap();
    let limit = Toxic::LimitData { bytes: Bytes::new(6) };
    route.add(spec("limit", limit, Stream::Downstream, ALL)).unwrap();
    route.update(spec("stall", stall, Stream::Downstream, ALL)).unwrap();
    service.write_all(b"abcdefgh").await.unwrap();
    let mut seen = [0; 2];
    soon(client.read_exact(&mut seen)).await.unwrap();
    until(|| route.counters().toxics[0].bytes == 8).await;
    route.remove("limit").unwrap();
    route.remove("stall").unwrap();
    let mut rest = [0; 6];
    soon(client.read_exact(&mut rest)).await.unwrap();
    assert_eq!((&seen, &rest), (b"ab", b"cdefgh"), "the stall comes before the limit");
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let (_proxy, route) = to_echo().await;
    let slicer = |average, variation| Toxic::Slicer {
        average: Bytes::new(average),
        variation: Bytes::new(variation),
        delay: Duration::ZERO,
    };
    route.add(spec("pieces", slicer(10, 2), Stream::Downstream, ALL)).unwrap();
    let before = route.toxics();
    for wrong in [
        spec("pieces", slicer(5, 6), Stream::Downstream, Percent::new(1)),
        spec("pieces", latency(1), Stream::Downstream, ALL),
        spec("pieces", slicer(5, 1), Stream::Upstream, ALL),
    ] {
        assert!(matches!(route.update(wrong), Err(ProxyError::InvalidToxic { .. })));
        assert_eq!(route.toxics(), before);
    }
    let unknown = route.update(spec("other", latency(1), Stream::Downstream, ALL));
    assert!(matches!(unknown, Err(ProxyError::NoSuchToxic { .. })));
}

#[tokio::test]
async fn a_share_of_a_down_becomes_all_and_none() {
    let (_proxy, route) = to_echo().await;
    let down = |share| spec("down", Toxic::Down, Stream::Downstream, Percent::new(share));
    route.add(down(0)).unwrap();
    visit(at(&route)).await.unwrap();
    route.update(down(100)).unwrap();
    assert!(route.refuses().await);
    route.update(down(0)).unwrap();
    visit(at(&route)).await.unwrap();
}

#[test]
fn any_number_is_a_toxicity_and_acts_within_bounds() {
    for (number, share) in [(-1.0, 0), (0.25, 25), (7.0, 100), (f64::NAN, 0)] {
        assert_eq!(Toxicity::new(number).share(), Percent::new(share));
    }
}
