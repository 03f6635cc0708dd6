//! The service against real replicas of inventory, with no fault injector: what its own remedies are worth.
#![expect(clippy::unwrap_used, reason = "a test panics where its set-up fails")]

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use checkout::{Config, Shop, StartError, Variant};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;

/// A replica that is killed when the test ends, however it ends.
struct Replica {
    child: Child,
    addr: SocketAddr,
}

impl Replica {
    fn start() -> Self {
        let mut child = inventory(&["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim().strip_prefix("inventory listening on ").unwrap().parse().unwrap();
        Self { child, addr }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn inventory(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inventory"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    inventory(arguments).output().unwrap()
}

fn replicas(count: usize) -> Vec<Replica> {
    (0..count).map(|_| Replica::start()).collect()
}

async fn shop(variant: Variant, replicas: &[Replica]) -> Shop {
    let inventory = replicas.iter().map(|replica| replica.addr).collect();
    Shop::start(Config { variant, inventory, ..Config::default() }).await.unwrap()
}

/// How many of so many orders in a row got no receipt within the time.
async fn failures(shop: &Shop, orders: usize, patience: Duration) -> usize {
    let mut failures = 0;
    for _ in 0..orders {
        if !matches!(timeout(patience, shop.checkout()).await, Ok(Ok(_))) {
            failures += 1;
        }
    }
    failures
}

const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_order_is_taken_by_either_variant() {
    let replicas = replicas(2);
    for variant in [Variant::Hardened, Variant::Fragile] {
        let shop = shop(variant, &replicas).await;
        let receipt = shop.checkout().await.unwrap();
        assert_eq!(receipt.sku, "sku-0");
        assert!(receipt.available >= 1);
        assert!(!receipt.degraded);
        shop.stop().await;
    }
}

#[tokio::test]
async fn a_killed_replica_fails_its_share_of_fragile_orders_and_no_hardened_one() {
    let mut replicas = replicas(4);
    let fragile = shop(Variant::Fragile, &replicas).await;
    let hardened = shop(Variant::Hardened, &replicas).await;
    replicas[2].kill();
    assert_eq!(failures(&fragile, 20, PATIENT).await, 5);
    assert_eq!(failures(&hardened, 20, PATIENT).await, 0);
}

#[tokio::test]
async fn a_fragile_order_says_which_replica_failed_and_why() {
    let mut replicas = replicas(1);
    let shop = shop(Variant::Fragile, &replicas).await;
    replicas[0].kill();
    let error = shop.checkout().await.unwrap_err().to_string();
    let expected =
        format!("no receipt: status 503 Service Unavailable: inventory replica {}", replicas[0].addr);
    assert!(error.starts_with(&expected), "{error}");
    assert!(error.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_hung_replica_hangs_fragile_orders_and_is_overtaken_for_hardened_ones() {
    let replicas = replicas(4);
    let fragile = shop(Variant::Fragile, &replicas).await;
    let hardened = shop(Variant::Hardened, &replicas).await;
    replicas[1].signal(Signal::STOP);
    // However long the patience is, they hang for longer; the others need a fraction of it.
    assert!(failures(&fragile, 8, Duration::from_secs(2)).await >= 2);
    assert_eq!(failures(&hardened, 20, PATIENT).await, 0);
}

#[tokio::test]
async fn with_no_replica_left_a_hardened_order_fails_within_its_limits() {
    let replicas = replicas(3);
    let shop = shop(Variant::Hardened, &replicas).await;
    for replica in &replicas {
        replica.signal(Signal::STOP);
    }
    let error = timeout(PATIENT, shop.checkout()).await.unwrap().unwrap_err().to_string();
    assert!(error.contains("504"), "{error}");
    for replica in &replicas {
        replica.signal(Signal::CONT);
    }
    // All are under suspicion now, and are asked all the same.
    assert_eq!(failures(&shop, 10, PATIENT).await, 0);
}

#[tokio::test]
async fn stopping_does_not_wait_for_orders_that_hang() {
    let replicas = replicas(1);
    let shop = shop(Variant::Fragile, &replicas).await;
    replicas[0].signal(Signal::STOP);
    assert_eq!(failures(&shop, 1, Duration::from_millis(100)).await, 1);
    timeout(PATIENT, shop.stop()).await.unwrap();
}

#[tokio::test]
async fn a_shop_needs_an_inventory() {
    let error = Shop::start(Config::default()).await.unwrap_err();
    assert!(matches!(error, StartError::NoInventory));
}

#[tokio::test]
async fn a_store_that_is_not_there_is_named() {
    let replicas = replicas(1);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for variant in [Variant::Hardened, Variant::Fragile] {
        let inventory = vec![replicas[0].addr];
        let config = Config { variant, inventory, redis: Some(closed), ..Config::default() };
        let error = Shop::start(config).await.unwrap_err().to_string();
        assert!(error.starts_with("a dependency is not ready: redis"), "{error}");
        assert!(error.contains("refused"), "{error}");
    }
}

#[test]
fn inventory_ends_cleanly_when_asked_to() {
    let mut replica = Replica::start();
    replica.signal(Signal::TERM);
    assert!(replica.child.wait().unwrap().success());
}

#[test]
fn inventory_says_that_its_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let output = run(&["--port", &addr.port().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.starts_with(&format!("inventory: cannot listen on {addr}: Address already in use")),
        "{message}"
    );
}

#[test]
fn inventory_explains_its_arguments() {
    let output = run(&["--prot", "7001"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        message,
        "inventory: unknown argument \"--prot\"\nusage: inventory --port <port> [--host <address>]\n"
    );
}
