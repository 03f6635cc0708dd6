//! Many connections, bulk data, and a caller that blocks.

use super::*;
use std::io::{Read as _, Write as _};

/// More than what is moved through the kernel's pipes at one time, many times over.
const BULK: usize = 32 << 20;

#[tokio::test]
async fn bulk_data_takes_the_short_way_and_arrives_whole_although_toxics_come_and_go() {
    let (_proxy, route, listener) = to_listener().await;
    let (mut client, mut service) = pair(&route, &listener).await;
    let data: Vec<u8> =
        (0_u32..).flat_map(|word| word.wrapping_mul(0x9e37_79b1).to_le_bytes()).take(BULK).collect();
    let expected = data.clone();
    let sending = tokio::spawn(async move {
        service.write_all(&data).await.unwrap();
        service.shutdown().await.unwrap();
        service
    });
    let receiving = tokio::spawn(async move {
        let mut seen = Vec::with_capacity(BULK);
        client.read_to_end(&mut seen).await.unwrap();
        seen
    });
    for step in 1..16_u64 {
        until(|| route.counters().downstream_bytes >= step * (BULK as u64 / 16)).await;
        route.add(spec("slow", latency(step % 3), Stream::Downstream, ALL)).unwrap();
        route.remove("slow").unwrap();
    }
    assert!(soon(receiving).await.unwrap() == expected, "not what was sent");
    sending.await.unwrap();
    assert_eq!(route.counters().downstream_bytes, BULK as u64);
}

#[test]
fn a_test_that_blocks_its_runtime_delays_no_byte() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let service = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(Seed::new(1)).unwrap();
        let route = proxy.route("service", service.local_addr().unwrap()).unwrap();
        route.add(spec("slow", latency(10), Stream::Upstream, ALL)).unwrap();
        // From here on the one thread of the runtime is blocked.
        let mut client = std::net::TcpStream::connect(at(&route)).unwrap();
        client.write_all(b"x").unwrap();
        let (mut accepted, _) = service.accept().unwrap();
        accepted.read_exact(&mut [0]).unwrap();
    });
}
