//! `GET /metrics`, in the text format of Prometheus.
//!
//! Two metrics have the names and labels of the original. They are live: bytes count when they pass, not when their
//! connection ends. What the original does not count is under names of our own.

mod exposition;
mod process;

use crate::proxy::{RouteCounters, Table, ToxicCounters};
use exposition::{Family, Kind};

/// The metrics asked for.
pub(super) fn print(table: &Table, of_proxies: bool, of_runtime: bool) -> String {
    let mut text = String::new();
    if of_proxies {
        for family in of_routes(table) {
            family.print(&mut text);
        }
    }
    if of_runtime {
        for family in process::families(&table.runtime()) {
            family.print(&mut text);
        }
    }
    text
}

fn of_routes(table: &Table) -> Vec<Family> {
    let mut received = Family::new("toxiproxy_proxy_received_bytes_total", "", Kind::Counter);
    let mut sent = Family::new("toxiproxy_proxy_sent_bytes_total", "", Kind::Counter);
    let mut opened =
        Family::new("chaos_proxy_connections_opened_total", "Connections accepted.", Kind::Counter);
    let mut open = Family::new("chaos_proxy_connections_open", "Connections open now.", Kind::Gauge);
    let mut toxics = toxic_families();
    for route in table.routes() {
        let (proxy, listener, upstream) = (route.name(), route.listen(), route.upstream());
        let RouteCounters {
            opened: opened_now,
            open: open_now,
            upstream_bytes,
            downstream_bytes,
            upstream_received,
            downstream_received,
            toxics: toxics_now,
            ..
        } = route.counters();
        for (direction, received_now, sent_now) in [
            ("downstream", downstream_received, downstream_bytes),
            ("upstream", upstream_received, upstream_bytes),
        ] {
            let labels = [
                ("direction", direction),
                ("listener", &listener),
                ("proxy", proxy),
                ("upstream", &upstream),
            ];
            received.add(&labels, received_now);
            sent.add(&labels, sent_now);
        }
        opened.add(&[("proxy", proxy)], opened_now);
        open.add(&[("proxy", proxy)], open_now);
        for counters in &toxics_now {
            let labels = [("proxy", proxy), ("toxic", &counters.name)];
            for (family, value) in toxics.iter_mut().zip(toxic_values(counters)) {
                family.add(&labels, value);
            }
        }
    }
    [received, sent, opened, open].into_iter().chain(toxics).collect()
}

fn toxic_families() -> [Family; 5] {
    [
        ("chaos_toxic_connections_considered_total", "Connections that the toxic met."),
        ("chaos_toxic_connections_touched_total", "Connections that the toxic was chosen for."),
        ("chaos_toxic_connections_closed_total", "Connections that the toxic closed or reset."),
        ("chaos_toxic_bytes_total", "Bytes that passed while the toxic was in force."),
        ("chaos_toxic_touched_bytes_total", "Bytes that the toxic was chosen for."),
    ]
    .map(|(name, help)| Family::new(name, help, Kind::Counter))
}

fn toxic_values(counters: &ToxicCounters) -> [u64; 5] {
    let ToxicCounters { considered, touched, closed, bytes, touched_bytes, .. } = *counters;
    [considered, touched, closed, bytes, touched_bytes]
}
