//! Whatever is added and removed meanwhile: what arrives is what was sent.

use super::*;
use crate::units::Bytes;
use proptest::prelude::*;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

#[derive(Debug, Clone)]
enum Change {
    Add { name: u8, toxic: Toxic, stream: Stream, share: u32, slice: bool, update: bool },
    Remove { name: u8 },
}

fn change() -> impl Strategy<Value = Change> {
    let toxic = prop_oneof![
        (0..8_u64, 0..8_u64).prop_map(|(delay, jitter)| Toxic::Latency {
            delay: Duration::from_millis(delay),
            jitter: Duration::from_millis(jitter),
        }),
        (5_000_000..100_000_000_u64)
            .prop_map(|rate| Toxic::Bandwidth { rate: Bytes::new(rate).per_second() }),
        (100..5000_u64).prop_map(|n| Toxic::Slicer {
            average: Bytes::new(n),
            variation: Bytes::new(n / 2),
            delay: Duration::ZERO
        }),
        (0..300_000_u64, 1..10_u64)
            .prop_map(|(a, h)| Toxic::Stall { after: Bytes::new(a), hold: Duration::from_millis(h) }),
        (1..5_u64, 1..5_u64)
            .prop_map(|(a, h)| Toxic::Burst { on: Duration::from_millis(a), off: Duration::from_millis(h) }),
        (0..9_u64).prop_map(|a| Toxic::SlowClose { delay: Duration::from_millis(a) }),
    ];
    let stream = prop_oneof![Just(Stream::Upstream), Just(Stream::Downstream)];
    prop_oneof![
        4 => (0..4_u8, toxic, stream, prop_oneof![Just(0), Just(50), Just(100)], any::<bool>(), any::<bool>()).prop_map(|(name, toxic, stream, share, slice, update)| Change::Add { name, toxic, stream, share, slice, update }),
        2 => (0..4_u8).prop_map(|name| Change::Remove { name }),
    ]
}

/// Bytes of which no two stretches look alike.
fn pattern(salt: u32, len: usize) -> Vec<u8> {
    (0_u32..).flat_map(|word| (word ^ salt).wrapping_mul(0x9e37_79b1).to_le_bytes()).take(len).collect()
}

async fn send(mut to: OwnedWriteHalf, data: Vec<u8>, chunks: Vec<usize>) {
    let mut rest = &data[..];
    for len in chunks.iter().cycle() {
        let (chunk, after) = rest.split_at((*len).min(rest.len()));
        to.write_all(chunk).await.expect("the connection stays");
        rest = after;
        if rest.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    to.shutdown().await.expect("the connection stays");
}

async fn receive(mut from: OwnedReadHalf) -> Vec<u8> {
    let mut all = Vec::new();
    from.read_to_end(&mut all).await.expect("the connection ends in order");
    all
}

fn apply(route: &Route, change: &Change) {
    // Names are few, so that adding what exists and removing what does not is tried as well.
    let _ = match change {
        Change::Add { name, toxic, stream, share, slice, update } => {
            let mut sp = spec(&name.to_string(), *toxic, *stream, Percent::new(*share));
            if *slice && toxic.has_slices() {
                sp = sp.slice(Duration::from_millis(2));
            }
            if *update {
                if let Some(old) = route.toxic(&name.to_string()) {
                    let same = old.toxic.kind() == toxic.kind();
                    route.update(ToxicSpec {
                        toxic: if same { *toxic } else { old.toxic },
                        toxicity: sp.toxicity,
                        ..old
                    })
                } else {
                    Ok(())
                }
            } else {
                route.add(sp)
            }
        }
        Change::Remove { name } => route.remove(&name.to_string()).map(drop),
    };
}

async fn run(changes: Vec<Change>, chunks: Vec<usize>, len: usize) -> bool {
    let (_proxy, route, listener) = to_listener().await;
    let (client, service) = pair(&route, &listener).await;
    let ((from_client, to_client), (from_service, to_service)) = (client.into_split(), service.into_split());
    let (question, answer) = (pattern(1, len), pattern(2, len));
    tokio::spawn(send(to_client, question.clone(), chunks.clone()));
    tokio::spawn(send(to_service, answer.clone(), chunks));
    let at_service = tokio::spawn(receive(from_service));
    let at_client = tokio::spawn(receive(from_client));
    let steps = changes.len() as u64 + 1;
    for (step, change) in (1..).zip(&changes) {
        // Spread over the transfer, whichever direction is first.
        let due = 2 * len as u64 * step / steps / 2;
        until(|| {
            let counters = route.counters();
            counters.upstream_bytes.max(counters.downstream_bytes) >= due
        })
        .await;
        apply(&route, change);
    }
    let seen = (soon(at_service).await.expect("no panic"), soon(at_client).await.expect("no panic"));
    seen == (question, answer)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn bytes_arrive_once_and_in_order(
        changes in prop::collection::vec(change(), 1..25),
        chunks in prop::collection::vec(1..100_000_usize, 1..12),
        len in 100_000..2_000_000_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
        prop_assert!(runtime.block_on(run(changes, chunks, len)));
    }
}
