//! The same seed and the same order of connections make the same decisions.

use super::*;
use crate::proxy::{Decision, Trace};

async fn decisions(seed: u64) -> Trace {
    let proxy = Proxy::start(Seed::new(seed)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let route = proxy.route("service", listener.local_addr().unwrap()).unwrap();
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(pair(&route, &listener).await);
    }
    route.add(spec("slow", latency(1), Stream::Downstream, Percent::new(20))).unwrap();
    route.add(spec("late", latency(1), Stream::Upstream, Percent::new(30))).unwrap();
    for _ in 0..10 {
        clients.push(pair(&route, &listener).await);
    }
    route.trace()
}

#[tokio::test]
async fn a_seed_replays() {
    let trace = decisions(5).await;
    assert_eq!(trace, decisions(5).await);
    assert_eq!((trace.decisions.len(), trace.dropped), (40, 0));
    assert_eq!(trace.decisions[0].connection, 0);
    let touched = |toxic| {
        trace.decisions.iter().filter(|Decision { toxic: its, touched, .. }| its == toxic && *touched).count()
    };
    assert_eq!((touched("slow"), touched("late")), (4, 6));
    let mut others = Vec::new();
    for seed in 6..12 {
        others.push(decisions(seed).await.decisions != trace.decisions);
    }
    assert!(others.contains(&true));
}
