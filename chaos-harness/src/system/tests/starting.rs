//! Starting systems of processes, and what is left when that fails.

use super::fixture::{Trial, chosen, is_required, server};
use crate::system::{
    InstanceState, Ready, ServiceName, StartContext, cargo_bin, external, process, program, running,
};
use std::net::TcpListener;
use std::time::Duration;

#[tokio::test]
async fn services_are_reached_by_their_routes_and_stop_without_a_trace() {
    let trial = Trial::new();
    let system = trial
        .start([
            ("inventory", server().ready(Ready::http("/health")).replicas(3).into()),
            ("shop", server().ready(Ready::log("serving")).env("INVENTORY=http://{inventory}").into()),
        ])
        .await
        .unwrap();
    assert_eq!(trial.routes.names(), ["inventory-1", "inventory-2", "inventory-3", "shop"]);
    let services = system.services();
    let inventory = services.get("inventory").unwrap();
    assert_eq!(inventory.addrs().len(), 3);
    assert_eq!(inventory.addr(), trial.routes.history("inventory-1")[0]);
    let name = ServiceName::from("inventory");
    assert_eq!(system.route_name(&name, 2), Some("inventory-3"));
    assert_eq!(system.instance(&name, 2).unwrap().observe().await.unwrap(), InstanceState::Running);
    assert!(system.instance(&name, 3).is_none());
    assert!(system.instance(&name, 1).unwrap().log_tail(5).contains("serving"));
    assert_eq!(system.describe().await.len(), 4);
    if cfg!(target_os = "linux") {
        assert_eq!(trial.processes().len(), 4);
    }

    assert!(!trial.is_settled());
    let errors = system.stop().await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(trial.processes(), [""; 0]);
    assert!(trial.is_settled());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_that_left_its_group_ends_with_the_system() {
    let trial = Trial::new();
    let own = std::env::current_exe().unwrap();
    let line = format!(
        "sh -c 'setsid sleep 777 & exec {} --exact system::tests::fixture::serve --ignored --nocapture' {{port}}",
        own.display()
    );
    let service = process(line).env("CHAOS_TEST_SERVER=127.0.0.1:{port}").ready(Ready::log("serving"));
    let system = trial.start([("shop", service.into())]).await.unwrap();
    while trial.processes().len() < 2 {
        tokio::task::yield_now().await;
    }
    let errors = system.stop().await;
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(trial.processes(), [""; 0]);
    assert!(trial.is_settled());
}

#[tokio::test]
async fn a_service_starts_only_after_those_it_names() {
    let trial = Trial::new();
    // The second one writes down the route to the first, which it cannot know before the first one is ready.
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("route-to-first");
    let second =
        process(format!("sh -c 'echo $FIRST > {}; exit 0' {{port}}", mark.display())).env("FIRST={first}");
    let error = trial.fail([("second", second.into()), ("first", server().into())]).await;
    // It ended, as it was told to.
    assert!(
        error.contains("could not start `second`: it ended before it was ready: exit status 0"),
        "{error}"
    );
    let route = trial.routes.history("first")[0].to_string();
    assert_eq!(std::fs::read_to_string(mark).unwrap().trim(), route);
}

#[tokio::test]
async fn one_failure_takes_the_others_down() {
    let trial = Trial::new();
    let fails = process("sh -c 'echo no such table >&2; exit 3' {port}");
    // Would not be ready for ten minutes: the failure must not wait for it.
    let never = process("sleep 600").env("P={port}").ready_within(Duration::from_secs(600));
    let error = trial.fail([("good", server().into()), ("never", never.into()), ("bad", fails.into())]).await;
    assert_eq!(
        error,
        "could not start `bad`: it ended before it was ready: exit status 3\n  the last line of its log:\n  | no such \
         table"
    );
    assert_eq!(trial.processes(), [""; 0]);
    assert!(trial.is_settled());
}

#[tokio::test]
async fn a_start_that_is_dropped_leaves_nothing_running() {
    let trial = Trial::new();
    let never = process("sleep 600").env("P={port}").ready_within(Duration::from_secs(600));
    let starting = running::start(chosen([("never", never.into())]), trial.context());
    let cut = tokio::time::timeout(Duration::from_millis(300), starting).await;
    assert!(cut.is_err());
    // Killed when it was dropped; reaped by a thread of its own.
    while !trial.processes().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_never_ready_says_what_it_was_doing() {
    let trial = Trial::new();
    let line = "sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do echo step $i; done; sleep 600' \
                {port}";
    let stuck = process(line).ready_within(Duration::from_millis(500));
    let error = trial.fail([("stuck", stuck.into())]).await;
    assert!(error.starts_with(
        "could not start `stuck`: it was not ready within 500ms: it has to accept a connection"
    ));
    assert!(error.contains("the last 20 lines of its log:\n  | step 3\n"), "{error}");
    assert!(error.ends_with("| step 22"), "{error}");
    assert_eq!(trial.processes(), [""; 0]);
}

#[tokio::test]
async fn what_is_not_there_is_named_with_its_remedy() {
    let trial = Trial::new();
    let error = trial.fail([("redis", process("no-such-server --port {port}").into())]).await;
    assert_eq!(
        error,
        "could not start `redis`: command not found: no-such-server; install it or put it on the PATH"
    );
    let error = Trial::new().fail([("stock", cargo_bin("no-such-binary").into())]).await;
    assert!(error.contains("run `cargo build --bin no-such-binary`"), "{error}");
    let unresolved = external("no-such-host.invalid:5432").ready_within(Duration::from_secs(5));
    let error = Trial::new().fail([("db", unresolved.into())]).await;
    assert!(error.contains("`db`: its address no-such-host.invalid:5432 leads nowhere"), "{error}");
}

#[tokio::test]
async fn a_process_that_finds_its_port_taken_is_given_another_before_that_is_an_error() {
    let trial = Trial::new();
    let folder = tempfile::tempdir().unwrap();
    let ports = folder.path().join("ports");
    let line =
        format!("sh -c 'echo {{port}} >> {}; echo bind: Address already in use; exit 1'", ports.display());
    let error = trial.fail([("busy", process(line).into())]).await;
    assert!(error.contains("is taken by another process"), "{error}");
    let tried = std::fs::read_to_string(ports).unwrap();
    let tried: std::collections::BTreeSet<_> = tried.lines().collect();
    assert_eq!(tried.len(), 3, "{tried:?}");
    assert_eq!(trial.processes(), [""; 0]);
    assert!(trial.is_settled());
}

#[tokio::test]
async fn an_external_service_is_only_looked_at() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let trial = Trial::new();
    let system = trial.start([("db", external(address.to_string()).into())]).await.unwrap();
    assert_eq!(system.services().get("db").unwrap().addr(), address);
    let db = system.instance(&"db".into(), 0).unwrap();
    let error = db.inject(crate::fault::InstanceFault::Kill).await.unwrap_err();
    assert!(error.to_string().contains("this run did not start it"), "{error}");
    assert_eq!(db.observe().await.unwrap(), InstanceState::Running);
    // Not only closed: a child of another test that is just being started holds a copy.
    rustix::net::shutdown(&listener, rustix::net::Shutdown::Both).unwrap();
    drop(listener);
    // It may have ended, or not: that is not for this run to know.
    let state = db.observe().await.unwrap();
    assert!(matches!(state, InstanceState::Unreachable(_)), "{state:?}");
    assert!(system.stop().await.is_empty());
}

#[tokio::test]
async fn a_kept_system_outlives_its_stop_and_its_value() {
    let trial = Trial::new();
    let context = StartContext { keep: true, ..trial.context() };
    let system = running::start(chosen([("kept", server().into())]), context)
        .await
        .map_err(|failed| failed.error)
        .unwrap();
    let how = system.describe().await.remove(0);
    let kept = system.instance(&"kept".into(), 0).unwrap().upstream();
    assert!(system.stop().await.is_empty());
    drop(system);
    assert!(tokio::net::TcpStream::connect(kept).await.is_ok());
    // As the description says.
    let (_, command) = how.split_once("end it with: ").unwrap();
    assert!(std::process::Command::new("sh").args(["-c", command]).status().unwrap().success());
}

#[tokio::test]
async fn redis_runs_as_a_process() {
    if let Err(missing) = program::command("redis-server", std::env::var_os("PATH")) {
        assert!(!is_required("redis"), "CHAOS_REQUIRE asks for redis: {missing}");
        eprintln!("left out: {missing}");
        return;
    }
    let trial = Trial::new();
    let redis =
        process("redis-server --port {port} --save ''").ready(Ready::log("Ready to accept connections"));
    let system = trial.start([("redis", redis.into())]).await.unwrap();
    let log = system.instance(&"redis".into(), 0).unwrap().log_tail(20);
    assert!(log.contains("Ready to accept connections"), "{log:?}");
    assert!(system.stop().await.is_empty());
    assert_eq!(trial.processes(), [""; 0]);
}
