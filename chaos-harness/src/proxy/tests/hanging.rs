//! A service that does not answer: nobody else waits for it, and nothing hangs.

use super::*;
use crate::clock;
use socket2::{Domain, Socket, Type};
use std::time::Instant;

/// An address at which connecting hangs: a listener whose queue is full.
fn unanswering() -> (SocketAddr, Socket, Vec<std::net::TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queued.push(stream);
        assert!(queued.len() < 100, "the queue takes no end");
    }
    (address, socket, queued)
}

fn prompt(start: Instant) {
    assert!(clock::now() - start < Duration::from_secs(2));
}

#[tokio::test]
async fn a_hanging_dial_holds_up_nobody_and_ends_with_its_route() {
    let (hanging, _socket, _queued) = unanswering();
    let (proxy, route) = to_echo().await;
    let answering = route.upstream();
    route.set_upstream(hanging);
    let start = clock::now();
    let mut stuck = Vec::new();
    for _ in 0..3 {
        stuck.push(connect(at(&route)).await);
    }
    until(|| route.counters().open == 3).await;
    for toxic in [latency(10), TIMEOUT] {
        route.add(spec("toxic", toxic, Stream::Downstream, ALL)).unwrap();
        route.remove("toxic").unwrap();
    }
    route.set_upstream(answering.parse().unwrap());
    visit(at(&route)).await.unwrap();
    proxy.table().close("service").unwrap();
    prompt(start);
    for client in &mut stuck {
        assert_ne!(soon(client.read(&mut [0])).await.ok(), Some(1));
    }
    until(|| route.counters().open == 0).await;
}

#[tokio::test]
async fn a_service_is_found_by_its_host_name_and_one_that_is_not_resets_the_client() {
    use crate::proxy::{RouteChange, RouteSpec};
    let (proxy, route) = to_echo().await;
    let port = route.upstream().rsplit(':').next().unwrap().to_owned();
    let named =
        proxy.table().open(RouteSpec::new("named", "localhost:0", format!("localhost:{port}"))).unwrap();
    visit(at(&named)).await.unwrap();
    for nowhere in ["no port", "host.invalid:1", "127.0.0.1:1"] {
        let change = RouteChange { upstream: Some(nowhere.to_owned()), ..RouteChange::default() };
        named.change(change).unwrap();
        assert!(visit(at(&named)).await.is_err(), "{nowhere}");
    }
}
