//! Routes that are moved, disabled and enabled, and listen at several addresses.

use super::*;
use crate::proxy::{ProxyError, RouteChange, RouteSpec};

fn listen(listen: &str) -> RouteChange {
    RouteChange { listen: Some(listen.to_owned()), ..RouteChange::default() }
}

fn enabled(enabled: bool) -> RouteChange {
    RouteChange { enabled: Some(enabled), ..RouteChange::default() }
}

#[tokio::test]
async fn a_move_that_fails_leaves_the_route_where_it_was() {
    let (_proxy, route) = to_echo().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
    let before = route.listen();
    let change = RouteChange {
        upstream: Some("127.0.0.1:1".to_owned()),
        ..listen(&taken.local_addr().unwrap().to_string())
    };
    let upstream = route.upstream();
    for wrong in [change, listen("local373"), listen("127.0.0.1:99999"), listen("192.0.2.1:0")] {
        assert!(matches!(route.change(wrong), Err(ProxyError::Listen { .. })));
        assert_eq!((route.listen(), route.upstream()), (before.clone(), upstream.clone()));
    }
    ping(&mut client).await.unwrap();
    visit(at(&route)).await.unwrap();
}

#[tokio::test]
async fn a_move_closes_the_old_port_and_keeps_the_toxics() {
    let (_proxy, route) = to_echo().await;
    let old = at(&route);
    let mut client = connect(old).await;
    ping(&mut client).await.unwrap();
    route.add(spec("slow", latency(1), Stream::Downstream, ALL)).unwrap();
    route.change(listen("127.0.0.1:0")).unwrap();
    assert_ne!(at(&route), old);
    assert!(ping(&mut client).await.is_err());
    assert!(TcpStream::connect(old).await.is_err());
    visit(at(&route)).await.unwrap();
    assert_eq!(route.toxics().len(), 1);
}

#[tokio::test]
async fn what_resolves_to_the_same_keeps_its_connections() {
    let (_proxy, route) = to_echo().await;
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
    let port = at(&route).port();
    let same = RouteChange { upstream: Some(route.upstream()), ..listen(&format!("localhost:{port}")) };
    route.change(same).unwrap();
    route.change(RouteChange::default()).unwrap();
    ping(&mut client).await.unwrap();
    // To any address of the same port, which overlaps the one it has.
    route.change(listen(&format!("0.0.0.0:{port}"))).unwrap();
    assert_eq!(route.listen(), format!("[::]:{port}"));
    visit(([127, 0, 0, 1], port).into()).await.unwrap();
}

#[tokio::test]
async fn another_upstream_ends_connections_to_the_old_one() {
    let (_proxy, route) = to_echo().await;
    let (_other, elsewhere, listener) = to_listener().await;
    let mut old = connect(at(&route)).await;
    ping(&mut old).await.unwrap();
    let port = elsewhere.upstream().rsplit(':').next().unwrap().to_owned();
    route
        .change(RouteChange { upstream: Some(format!("localhost:{port}")), ..RouteChange::default() })
        .unwrap();
    assert!(ping(&mut old).await.is_err());
    let (_client, _service) = pair(&route, &listener).await;
}

#[tokio::test]
async fn a_disabled_route_frees_its_port_and_comes_back_on_it() {
    let (proxy, route) = to_echo().await;
    route.add(spec("slow", latency(1), Stream::Downstream, ALL)).unwrap();
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
    route.change(enabled(false)).unwrap();
    assert!(ping(&mut client).await.is_err());
    let port = at(&route);
    let listener = std::net::TcpListener::bind(port).expect("it is free");
    assert!(matches!(route.change(enabled(true)), Err(ProxyError::Listen { .. })));
    assert!(!route.is_enabled());
    drop(listener);
    route.change(enabled(true)).unwrap();
    assert_eq!((at(&route), route.toxics().len()), (port, 1));
    visit(port).await.unwrap();

    let never = RouteSpec { enabled: false, ..RouteSpec::new("never", "127.0.0.1:0", "127.0.0.1:1") };
    let never = proxy.table().open(never).unwrap();
    assert_eq!((never.address(), never.listen().as_str()), (None, "127.0.0.1:0"));
}

#[tokio::test]
async fn a_second_address_meets_the_same_toxics() {
    let (_proxy, route) = to_echo().await;
    let second = route.listen_also([127, 0, 0, 2].into()).unwrap();
    assert_eq!(second.ip().to_string(), "127.0.0.2");
    visit(second).await.unwrap();
    visit(at(&route)).await.unwrap();
    until(|| route.counters().opened == 2 && route.counters().open == 0).await;
    route.add(spec("down", Toxic::Down, Stream::Downstream, ALL)).unwrap();
    for address in [second, at(&route)] {
        assert!(TcpStream::connect(address).await.is_err());
    }
    route.remove("down").unwrap();
    visit(second).await.unwrap();
}

#[tokio::test]
async fn closing_a_route_frees_its_name_and_port() {
    let (proxy, route) = to_echo().await;
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
    proxy.table().close("service").unwrap();
    assert!(ping(&mut client).await.is_err());
    assert!(matches!(proxy.table().close("service"), Err(ProxyError::NoSuchRoute(_))));
    assert!(matches!(route.change(enabled(true)), Err(ProxyError::Stopped(_))));
    let again = proxy.table().open(RouteSpec::new("service", at(&route).to_string(), "127.0.0.1:1")).unwrap();
    assert_eq!(proxy.table().routes().len(), 1);
    assert_eq!(again.address(), route.address());
}
