//! What the proxy holds is bounded, for one connection and for all of them.

use super::*;

/// Writes until nothing more is taken; how much was.
async fn flood(service: &mut TcpStream) -> u64 {
    let mut taken = 0;
    // A pause this long means that the writer is held back.
    while let Ok(Ok(written)) = tokio::time::timeout(Duration::from_secs(2), service.write(&BLOCK)).await {
        taken += written as u64;
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delayed_data_is_held_back_at_the_bound_of_a_connection_and_of_all() {
    const MIB: u64 = 1 << 20;
    let (_proxy, route, listener) = to_listener().await;
    route.add(spec("slow", latency(600_000), Stream::Downstream, ALL)).unwrap();
    let mut clients = Vec::new();
    let mut floods = Vec::new();
    for connection in 0..9_u64 {
        // The service is dialled at once: only answers are delayed.
        let (client, mut service) = pair(&route, &listener).await;
        clients.push(client);
        let flooding = tokio::spawn(async move { (flood(&mut service).await, service) });
        if connection == 0 {
            let (_, service) = soon(flooding).await.unwrap();
            clients.push(service);
            let held = route.counters().downstream_received;
            assert!((30 * MIB..=41 * MIB).contains(&held), "{} MiB held", held / MIB);
        } else {
            floods.push(flooding);
        }
    }
    for flooding in floods {
        clients.push(flooding.await.unwrap().1);
    }
    let held = route.counters().downstream_received;
    assert!((200 * MIB..=260 * MIB).contains(&held), "{} MiB held in all", held / MIB);
    assert_eq!(route.counters().downstream_bytes, 0);
    drop(clients);
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_its_service_back() {
    let (_proxy, route, listener) = to_listener().await;
    let (_client, mut service) = pair(&route, &listener).await;
    flood(&mut service).await;
    let counters = route.counters();
    // The proxy itself keeps no more than a pipe and a read; the rest is in the kernel's buffers.
    assert!(counters.downstream_received - counters.downstream_bytes <= 1_200 << 10, "{counters:?}");
}
