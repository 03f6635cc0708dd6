//! Proxies and toxics, made and taken away.

use crate::bed::{Bed, answers, connect, echo, listen};
use chaos_harness::toxiproxy_rust::client::Client;
use std::collections::HashMap;
use std::net::TcpListener;

pub(crate) fn the_server_runs_and_tells_its_version(bed: &Bed) {
    assert!(bed.client.is_running());
    // A port that was free a moment ago.
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(!Client::new(nowhere).is_running());
    let version: serde_json::Value = serde_json::from_str(&bed.client.version().unwrap()).unwrap();
    let version = version["version"].as_str().unwrap();
    // `git` where the original was built without a release's number.
    assert!(version.starts_with("2.") || version == "git", "{version}");
}

pub(crate) fn populated_proxies_are_found_one_by_one_and_all_together(bed: &Bed) {
    let made = bed.client.populate(vec![bed.pack("cache"), bed.pack("store")]).unwrap();
    let names: Vec<_> = made.iter().map(|proxy| proxy.proxy_pack.name.as_str()).collect();
    assert_eq!(names, ["cache", "store"]);

    let all = bed.client.all().unwrap();
    assert_eq!(all.len(), 2);
    for proxy in &made {
        let name = &proxy.proxy_pack.name;
        let found = bed.client.find_proxy(name).unwrap();
        for found in [&found, &all[name]] {
            assert_eq!(found.proxy_pack.name, *name);
            assert_eq!(found.proxy_pack.listen, proxy.proxy_pack.listen);
            assert_eq!(found.proxy_pack.upstream, bed.service.address().to_string());
            assert!(found.proxy_pack.enabled);
            assert!(found.proxy_pack.toxics.is_empty());
        }
        echo(&mut connect(proxy), b"through the proxy");
    }
    assert!(bed.client.find_proxy("queue").is_err());
}

pub(crate) fn populating_anew_keeps_what_is_the_same_and_replaces_what_differs(bed: &Bed) {
    let first = bed.proxy("cache");
    first.with_latency("downstream".into(), 1, 0, 1.0);
    let mut same = bed.pack("cache");
    same.listen.clone_from(&first.proxy_pack.listen);
    let mut connection = connect(&first);
    echo(&mut connection, b"before");
    bed.client.populate(vec![same]).unwrap();
    assert_eq!(bed.toxics("cache"), ["latency_downstream"]);
    echo(&mut connection, b"after");

    let mut other = bed.pack("cache");
    other.listen.clone_from(&first.proxy_pack.listen);
    other.upstream = "127.0.0.1:9".into();
    bed.client.populate(vec![other]).unwrap();
    assert!(bed.toxics("cache").is_empty());
    assert_eq!(bed.client.find_proxy("cache").unwrap().proxy_pack.upstream, "127.0.0.1:9");
}

pub(crate) fn a_proxy_on_a_taken_port_is_an_error(bed: &Bed) {
    let mut taken = bed.pack("store");
    taken.listen = bed.service.address().to_string();
    assert!(bed.client.populate(vec![bed.pack("cache"), taken]).is_err());
    // Those before it stay.
    let left: Vec<_> = bed.client.all().unwrap().into_keys().collect();
    assert_eq!(left, ["cache"]);
}

pub(crate) fn a_disabled_proxy_refuses_until_it_is_enabled(bed: &Bed) {
    let proxy = bed.proxy("cache");
    proxy.disable().unwrap();
    assert!(!bed.client.find_proxy("cache").unwrap().proxy_pack.enabled);
    assert!(!answers(listen(&proxy)));
    proxy.enable().unwrap();
    let enabled = bed.client.find_proxy("cache").unwrap();
    assert!(enabled.proxy_pack.enabled);
    assert!(answers(listen(&enabled)));
}

pub(crate) fn a_proxy_is_down_for_a_closure_and_up_after_it(bed: &Bed) {
    let proxy = bed.proxy("cache");
    let mut answered = None;
    proxy.with_down(|| answered = Some(answers(listen(&proxy)))).unwrap();
    assert_eq!(answered, Some(false));
    assert!(answers(listen(&bed.client.find_proxy("cache").unwrap())));
}

pub(crate) fn a_deleted_proxy_is_gone_and_refuses(bed: &Bed) {
    let proxy = bed.proxy("cache");
    proxy.delete().unwrap();
    assert!(bed.client.find_proxy("cache").is_err());
    assert!(bed.client.all().unwrap().is_empty());
    assert!(!answers(listen(&proxy)));
}

pub(crate) fn resetting_enables_all_proxies_and_removes_all_toxics(bed: &Bed) {
    let proxies = bed.client.populate(vec![bed.pack("cache"), bed.pack("store")]).unwrap();
    proxies[0].with_latency("downstream".into(), 1, 0, 1.0).with_timeout("upstream".into(), 0, 1.0);
    proxies[1].disable().unwrap();
    bed.client.reset().unwrap();
    let all = bed.client.all().unwrap();
    assert_eq!(all.len(), 2);
    for proxy in all.values() {
        assert!(proxy.proxy_pack.enabled);
        assert!(proxy.proxy_pack.toxics.is_empty());
        assert!(answers(listen(proxy)));
    }
}

pub(crate) fn one_proxy_is_found_and_reset_while_others_stay(bed: &Bed) {
    let proxies = bed.client.populate(vec![bed.pack("cache"), bed.pack("store")]).unwrap();
    for proxy in &proxies {
        proxy.with_timeout("downstream".into(), 0, 1.0).disable().unwrap();
    }
    bed.client.find_and_reset_proxy("cache").unwrap();
    assert!(bed.toxics("cache").is_empty());
    assert!(answers(listen(&bed.client.find_proxy("cache").unwrap())));
    assert_eq!(bed.toxics("store"), ["timeout_downstream"]);
    assert!(!bed.client.find_proxy("store").unwrap().proxy_pack.enabled);
    assert!(bed.client.find_and_reset_proxy("queue").is_err());
}

pub(crate) fn toxics_apply_for_a_closure_and_are_gone_after_it(bed: &Bed) {
    let proxy = bed.proxy("cache");
    let mut during = Vec::new();
    let shaped = proxy.with_slicer("downstream".into(), 64, 0, 0, 1.0).with_limit_data(
        "upstream".into(),
        1 << 20,
        1.0,
    );
    shaped
        .apply(|| {
            during = bed.toxics("cache");
            echo(&mut connect(&proxy), b"under toxics");
        })
        .unwrap();
    // What goes to the service is listed first.
    assert_eq!(during, ["limit_data_upstream", "slicer_downstream"]);
    assert!(bed.toxics("cache").is_empty());
    echo(&mut connect(&proxy), b"without toxics");
}

pub(crate) fn all_toxics_of_a_proxy_are_deleted_at_once(bed: &Bed) {
    let proxy = bed.proxy("cache");
    proxy.with_timeout("downstream".into(), 0, 1.0).with_bandwidth("upstream".into(), 1, 1.0);
    assert_eq!(bed.toxics("cache").len(), 2);
    proxy.delete_all_toxics().unwrap();
    assert!(bed.toxics("cache").is_empty());
    assert!(answers(listen(&proxy)));
}

pub(crate) fn a_second_toxic_of_one_name_changes_nothing(bed: &Bed) {
    let proxy = bed.proxy("cache");
    // The client does not look at the status: that the second is refused is only seen by reading back.
    proxy.with_latency("downstream".into(), 1, 0, 1.0).with_latency("downstream".into(), 60_000, 0, 1.0);
    let toxics = proxy.toxics().unwrap();
    assert_eq!(toxics.len(), 1);
    assert_eq!(toxics[0].attributes["latency"], 1);
    assert!(answers(listen(&proxy)));
}

/// A toxic's type, toxicity and attributes.
type Listed = (&'static str, f32, &'static [(&'static str, u32)]);

pub(crate) fn each_toxic_is_listed_with_what_was_asked_for(bed: &Bed) {
    let proxy = bed.proxy("cache");
    for stream in ["upstream", "downstream"] {
        let stream = || stream.to_owned();
        proxy
            .with_latency(stream(), 11, 2, 0.5)
            .with_bandwidth(stream(), 12, 0.25)
            .with_slow_close(stream(), 13, 1.0)
            .with_timeout(stream(), 14, 0.0)
            .with_slicer(stream(), 15, 3, 4, 1.0)
            .with_limit_data(stream(), 16, 0.75);
    }
    let expected: [Listed; 6] = [
        ("latency", 0.5, &[("latency", 11), ("jitter", 2)]),
        ("bandwidth", 0.25, &[("rate", 12)]),
        ("slow_close", 1.0, &[("delay", 13)]),
        ("timeout", 0.0, &[("timeout", 14)]),
        ("slicer", 1.0, &[("average_size", 15), ("size_variation", 3), ("delay", 4)]),
        ("limit_data", 0.75, &[("bytes", 16)]),
    ];
    let listed = proxy.toxics().unwrap();
    assert_eq!(listed.len(), 2 * expected.len());
    let found = bed.client.find_proxy("cache").unwrap().proxy_pack.toxics;
    for (at, (listed, found)) in listed.iter().zip(&found).enumerate() {
        let stream = if at < expected.len() { "upstream" } else { "downstream" };
        let (kind, toxicity, attributes) = expected[at % expected.len()];
        for toxic in [listed, found] {
            assert_eq!(toxic.r#type, kind);
            assert_eq!(toxic.stream, stream);
            assert_eq!(toxic.name, format!("{kind}_{stream}"));
            assert!((toxic.toxicity - toxicity).abs() < f32::EPSILON, "{kind}: {}", toxic.toxicity);
            let attributes: HashMap<_, _> =
                attributes.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            assert_eq!(toxic.attributes, attributes, "{kind}");
        }
    }
}
