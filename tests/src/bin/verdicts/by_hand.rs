//! Experiments written with the builder: whatever the attributes say can be said so.

use crate::client::Client;
use chaos_harness::prelude::*;
use chaos_harness::system::{CargoBin, cargo_bin};
use chaos_harness::{Load, fault, metric};
use std::time::Duration;

/// All of them.
pub(crate) fn experiments() -> Vec<Experiment> {
    vec![
        quick("by_hand::upheld", client_of(server())).expect([metric::p90().below(Duration::from_secs(1))]),
        quick("by_hand::error_of_service", client_of(server().args("--port {port} --exit 'no licence'"))),
        quick(
            "by_hand::error_of_start",
            with_server(server())
                .start(|_| async { Err::<Client, BoxError>("the schema is not there".into()) }),
        ),
        quick(
            "by_hand::error_of_panic",
            with_server(server()).start(|services| async move {
                let target = services.get("target")?;
                assert!(target.addrs().len() > 1, "one replica is not enough");
                Client::connect(&target, 1).await
            }),
        ),
        quick(
            "by_hand::error_of_stop",
            client_of(server()).stop(|_| async { Err::<(), BoxError>("it cannot be ended".into()) }),
        ),
        // The attribute would refuse this one, where the shares are literals.
        quick("by_hand::falling_ladder", client_of(server().replicas(10)))
            .stages([Stage::percent::<30>().named("less")]),
    ]
}

fn server() -> CargoBin {
    cargo_bin("target-server").args("--port {port}").ready(Ready::http("/health"))
}

fn with_server(server: CargoBin) -> chaos_harness::system::SystemBuilder {
    System::new("target").service("target", server)
}

fn client_of(server: CargoBin) -> System<Client> {
    with_server(server).start(|services| async move { Client::connect(&services.get("target")?, 8).await })
}

fn quick(name: &str, system: System<Client>) -> Experiment {
    let load = Load::new()
        .rate(Rate::per_second(200))
        .warmup(Duration::from_millis(100))
        .baseline(Duration::from_millis(400))
        .turbulence(Duration::from_millis(500));
    Experiment::new(name, system, |client| async move { client.get("/").await })
        .hypothesis("a little latency is no harm")
        .load(load)
        .steady_state([metric::error_rate().below(Percent::new(10))])
        .expect([metric::error_rate().below(Percent::new(10))])
        .inject([fault::latency("target", Duration::from_millis(5)).into()])
        .stages([Stage::percent::<100>().named("all")])
}
