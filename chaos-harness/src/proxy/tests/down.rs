//! A service that is not there.

use super::*;
use std::io::ErrorKind;

#[tokio::test]
async fn down_closes_refuses_and_comes_back_on_the_same_address() {
    let (_proxy, route) = to_echo().await;
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
    for _ in 0..3 {
        route.add(spec("down", Toxic::Down, Stream::Downstream, ALL)).unwrap();
        assert!(!route.counters().listening);
        until(|| route.counters().open == 0).await;
        assert!(ping(&mut client).await.is_err());
        let refused = TcpStream::connect(at(&route)).await.map_err(|error| error.kind());
        assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));

        assert_eq!(route.remove("down").unwrap().closed, 1);
        assert!(route.counters().listening);
        client = connect(at(&route)).await;
        ping(&mut client).await.unwrap();
    }
}

#[tokio::test]
async fn a_closed_port_is_provable_although_what_it_refuses_cannot_be_counted() {
    let (_proxy, route) = to_echo().await;
    for _ in 0..3 {
        drop(connect(at(&route)).await);
    }
    until(|| route.counters().opened == 3 && route.counters().open == 0).await;
    assert!(!route.refuses().await);
    until(|| route.counters().opened == 4 && route.counters().open == 0).await;
    route.add(spec("down", Toxic::Down, Stream::Downstream, ALL)).unwrap();
    assert!(route.refuses().await);
    assert!(visit(at(&route)).await.is_err());
    let counters = route.remove("down").unwrap();
    assert_eq!((counters.shuts, counters.opened_before, counters.considered), (true, 4, 0));
    assert!(!route.refuses().await);

    route.add(spec("some", Toxic::Down, Stream::Downstream, Percent::new(50))).unwrap();
    assert!(!route.remove("some").unwrap().shuts, "it listens for the other half");
}

#[tokio::test]
async fn the_port_of_a_route_that_is_down_is_not_given_away() {
    let (_proxy, route) = to_echo().await;
    route.add(spec("down", Toxic::Down, Stream::Downstream, ALL)).unwrap();
    // A service that takes any free port never gets this one, however many it takes.
    let free: Vec<_> =
        (0..2_000).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let given_away = free.iter().any(|other| other.local_addr().expect("bound") == at(&route));
    assert!(!given_away);
    route.remove("down").unwrap();
    let mut client = connect(at(&route)).await;
    ping(&mut client).await.unwrap();
}

#[tokio::test]
async fn the_last_of_two_downs_decides() {
    let (_proxy, route) = to_echo().await;
    route.add(spec("one", Toxic::Down, Stream::Downstream, ALL)).unwrap();
    route.add(spec("two", Toxic::Down, Stream::Downstream, ALL)).unwrap();
    route.remove("one").unwrap();
    assert!(TcpStream::connect(at(&route)).await.is_err());
    route.remove("two").unwrap();
    visit(at(&route)).await.unwrap();
}

#[tokio::test]
async fn down_for_a_share_resets_that_share_of_new_connections() {
    let (_proxy, route) = to_echo().await;
    route.add(spec("down", Toxic::Down, Stream::Downstream, Percent::new(25))).unwrap();
    let mut lost = 0;
    for _ in 0..20 {
        lost += usize::from(visit(at(&route)).await.is_err());
    }
    assert_eq!(lost, 5);
    let counters = route.remove("down").unwrap();
    assert_eq!((counters.considered, counters.touched, counters.closed), (20, 5, 5));
    assert_eq!(counters.reached(), Some(Percent::new(25)));
}
