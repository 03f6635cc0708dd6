//! The calls on toxics.

use super::{Reply, Server};
use crate::proxy::{Stream, Toxic, ToxicSpec};
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::time::Duration;

/// Everything that can be created, and how it is printed.
const KINDS: [(&str, &str, &str); 13] = [
    ("latency", r#"{"latency":7,"jitter":3}"#, r#"{"latency":7,"jitter":3}"#),
    ("bandwidth", r#"{"rate":7}"#, r#"{"rate":7}"#),
    ("slow_close", r#"{"delay":7}"#, r#"{"delay":7}"#),
    ("timeout", r#"{"timeout":7}"#, r#"{"timeout":7}"#),
    ("reset_peer", r#"{"timeout":7}"#, r#"{"timeout":7}"#),
    (
        "slicer",
        r#"{"delay":9,"size_variation":3,"average_size":7}"#,
        r#"{"average_size":7,"size_variation":3,"delay":9}"#,
    ),
    ("limit_data", r#"{"bytes":7}"#, r#"{"bytes":7}"#),
    ("down", "{}", "{}"),
    ("burst", r#"{"on":7,"off":9}"#, r#"{"on":7,"off":9}"#),
    ("stall", r#"{"bytes":7,"hold":9}"#, r#"{"bytes":7,"hold":9}"#),
    ("limit_connections", r#"{"connections":7,"wait":9}"#, r#"{"connections":7,"wait":9}"#),
    ("refuse_connections", r#"{"other":1}"#, "{}"),
    ("delay_connections", r#"{"delay":7,"jitter":3}"#, r#"{"delay":7,"jitter":3}"#),
];

#[test]
fn each_type_is_created_shown_listed_and_deleted() {
    let server = Server::start();
    server.create("a");
    for (kind, given, printed) in KINDS {
        let toxic = format!(
            "{{\"attributes\":{printed},\"name\":\"{kind}_downstream\",\"type\":\"{kind}\",\
             \"stream\":\"downstream\",\"toxicity\":1}}"
        );
        let body = format!("{{\"type\":\"{kind}\",\"attributes\":{given}}}");
        assert_eq!(server.send("POST /proxies/a/toxics", &body), Reply::json(200, toxic.as_str()));
        let path = format!("/proxies/a/toxics/{kind}_downstream");
        assert_eq!(server.send(&format!("GET {path}"), ""), Reply::json(200, toxic.as_str()));
        assert_eq!(server.send("GET /proxies/a/toxics", ""), Reply::json(200, format!("[{toxic}]")));
        assert_eq!(server.send(&format!("DELETE {path}"), ""), Reply::empty(204));
        assert_eq!(server.send(&format!("DELETE {path}"), ""), Reply::error(404, "toxic not found"));
    }
    assert_eq!(server.send("GET /proxies/a/toxics", ""), Reply::json(200, "[]"));
}

#[test]
fn what_is_left_out_is_zero_downstream_and_certain() {
    let server = Server::start();
    server.create("a");
    for (kind, attributes) in [
        ("latency", r#"{"latency":0,"jitter":0}"#),
        ("bandwidth", r#"{"rate":0}"#),
        ("slicer", r#"{"average_size":0,"size_variation":0,"delay":0}"#),
    ] {
        let body = format!("{{\"type\":\"{kind}\",\"attributes\":null,\"name\":null,\"stream\":null}}");
        let toxic = format!(
            "{{\"attributes\":{attributes},\"name\":\"{kind}_downstream\",\"type\":\"{kind}\",\
             \"stream\":\"downstream\",\"toxicity\":1}}"
        );
        assert_eq!(server.send("POST /proxies/a/toxics", &body), Reply::json(200, toxic));
    }
}

#[test]
fn a_stream_is_echoed_as_it_is_spelt_and_upstream_is_listed_first() {
    let server = Server::start();
    server.create("a");
    server.send("POST /proxies/a/toxics", r#"{"type":"timeout"}"#);
    let toxic = r#"{"attributes":{"timeout":0},"name":"timeout_UPSTREAM","type":"timeout","stream":"UPSTREAM","toxicity":1}"#;
    let created = server.send("POST /proxies/a/toxics", r#"{"type":"timeout","stream":"UPSTREAM"}"#);
    assert_eq!(created, Reply::json(200, toxic));
    let list = server.send("GET /proxies/a/toxics", "").body;
    assert!(list.starts_with(&format!("[{toxic},")), "{list}");
    assert_eq!(server.proxy.table().get("a").expect("it exists").toxics()[1].stream, Stream::Upstream);
    let updated = server.send("PATCH /proxies/a/toxics/timeout_UPSTREAM", "{}");
    assert_eq!(updated, Reply::json(200, toxic));
}

#[test]
fn what_is_wrong_with_a_new_toxic_is_told_in_the_originals_order() {
    let server = Server::start();
    server.create("a");
    server.send("POST /proxies/a/toxics", r#"{"name":"x","type":"latency","stream":"upstream"}"#);
    let stream = "stream was invalid, can be either upstream or downstream";
    for (body, status, text) in [
        ("", 400, "bad request body: EOF"),
        (
            "[]",
            400,
            "bad request body: json: cannot unmarshal array into Go value of type toxics.ToxicWrapper",
        ),
        (
            r#"{"type":"latency","attributes":[]}"#,
            400,
            "bad request body: json: cannot unmarshal array into Go struct field ToxicWrapper.attributes of type \
             toxics.NoopToxic",
        ),
        (
            r#"{"toxicity":"1"}"#,
            400,
            "bad request body: json: cannot unmarshal string into Go struct field ToxicWrapper.toxicity of type float32",
        ),
        (r#"{"type":"none","stream":"sideways"}"#, 400, stream),
        (r#"{"type":"latency","stream":""}"#, 400, stream),
        (r#"{"type":"none"}"#, 400, "invalid toxic type"),
        (r#"{"type":"Latency"}"#, 400, "invalid toxic type"),
        ("null", 400, "invalid toxic type"),
        (r#"{"name":"x","type":"latency","attributes":{"latency":1.5}}"#, 409, "toxic already exists"),
        (
            r#"{"type":"latency","attributes":{"latency":1.5}}"#,
            400,
            "bad request body: json: cannot unmarshal number 1.5 into Go struct field \
             LatencyToxic.attributes.latency of type int64",
        ),
        (
            r#"{"type":"slicer","attributes":{"Delay":1e2}}"#,
            400,
            "bad request body: json: cannot unmarshal number 1e2 into Go struct field SlicerToxic.attributes.delay \
             of type int",
        ),
        (
            r#"{"type":"reset_peer","attributes":{"timeout":"1"}}"#,
            400,
            "bad request body: json: cannot unmarshal string into Go struct field ResetToxic.attributes.timeout of \
             type int64",
        ),
    ] {
        assert_eq!(server.send("POST /proxies/a/toxics", body), Reply::error(status, text), "{body}");
    }
    assert_eq!(server.send("POST /proxies/b/toxics", ""), Reply::error(404, "proxy not found"));
    assert_eq!(server.proxy.table().get("a").expect("it exists").toxics().len(), 1);
}

#[test]
fn a_value_without_meaning_is_refused_before_anything_changes() {
    let server = Server::start();
    server.create("a");
    server.send("POST /proxies/a/toxics", r#"{"name":"l","type":"latency","attributes":{"latency":7}}"#);
    for body in [
        r#"{"type":"bandwidth","attributes":{"rate":-1}}"#,
        r#"{"type":"bandwidth","attributes":{"rate":9223372036854775807}}"#,
        r#"{"type":"latency","name":"m","attributes":{"jitter":5000000000000000000}}"#,
        r#"{"type":"slicer","attributes":{"average_size":2,"size_variation":3}}"#,
        r#"{"type":"limit_connections","attributes":{"connections":4294967296}}"#,
        r#"{"type":"down","slice":10}"#,
        r#"{"type":"latency","name":"m","slice":0}"#,
    ] {
        let reply = server.send("POST /proxies/a/toxics", body);
        assert_eq!((reply.status, reply.has_id), (400, true), "{body}: {reply:?}");
        assert!(reply.body.starts_with("{\"error\":\"bad request body: "), "{reply:?}");
    }
    // The first two attributes are sound, and yet are not taken.
    for body in [
        r#"{"toxicity":0.5,"attributes":{"latency":9,"jitter":-1}}"#,
        r#"{"toxicity":0.5,"attributes":{"latency":9,"jitter":"1"}}"#,
        r#"{"attributes":{"latency":9},"toxicity":1e40}"#,
        r#"{"attributes":{"latency":9},"slice":10}"#,
    ] {
        assert_eq!(server.send("PATCH /proxies/a/toxics/l", body).status, 400, "{body}");
    }
    let toxics = server.proxy.table().get("a").expect("it exists").toxics();
    let latency = Toxic::Latency { delay: Duration::from_millis(7), jitter: Duration::ZERO };
    assert_eq!(toxics, [ToxicSpec::new("l", latency, Stream::Downstream)]);
}

#[test]
fn an_update_keeps_what_it_does_not_name() {
    let server = Server::start();
    server.create("a");
    let toxic = |latency: u64, jitter: u64, toxicity: &str| {
        let attributes = format!("{{\"latency\":{latency},\"jitter\":{jitter}}}");
        Reply::json(
            200,
            format!(
                "{{\"attributes\":{attributes},\"name\":\"l\",\"type\":\"latency\",\"stream\":\"downstream\",\
                 \"toxicity\":{toxicity}}}"
            ),
        )
    };
    let body = r#"{"name":"l","type":"latency","attributes":{"latency":1,"jitter":2},"toxicity":0.1}"#;
    assert_eq!(server.send("POST /proxies/a/toxics", body), toxic(1, 2, "0.1"));
    for (request, body, expected) in [
        ("PATCH", "{}", toxic(1, 2, "0.1")),
        ("POST", "null", toxic(1, 2, "0.1")),
        ("PATCH", r#"{"attributes":{"Jitter":5,"unknown":"x"}}"#, toxic(1, 5, "0.1")),
        ("POST", r#"{"toxicity":0,"name":"m","type":"down","stream":"x"}"#, toxic(1, 5, "0")),
        ("PATCH", r#"{"attributes":{"latency":null},"toxicity":null}"#, toxic(1, 5, "0")),
        ("PATCH", r#"{"attributes":{"latency":-0}}"#, toxic(0, 5, "0")),
    ] {
        assert_eq!(server.send(&format!("{request} /proxies/a/toxics/l"), body), expected, "{body}");
    }
    let wrong = "bad request body: json: cannot unmarshal array into Go struct field .attributes of type \
                 toxics.LatencyToxic";
    assert_eq!(server.send("PATCH /proxies/a/toxics/l", r#"{"attributes":[]}"#), Reply::error(400, wrong));
    assert_eq!(server.send("PATCH /proxies/a/toxics/m", ""), Reply::error(404, "toxic not found"));
    assert_eq!(server.send("GET /proxies/a/toxics/m", ""), Reply::error(404, "toxic not found"));
}

#[test]
fn an_update_by_http_keeps_what_only_code_can_say() {
    let server = Server::start();
    server.create("a");
    let route = server.proxy.table().get("a").expect("it exists");
    let exact = |jitter| Toxic::Latency { delay: Duration::from_micros(1_500), jitter };
    route.add(ToxicSpec::new("l", exact(Duration::ZERO), Stream::Downstream)).expect("it is sound");
    server.send("PATCH /proxies/a/toxics/l", r#"{"attributes":{"jitter":1}}"#);
    assert_eq!(route.toxic("l").map(|spec| spec.toxic), Some(exact(Duration::from_millis(1))));
}

#[test]
fn a_toxicity_is_any_number_and_printed_as_the_original_does() {
    let server = Server::start();
    server.create("a");
    server.send("POST /proxies/a/toxics", r#"{"name":"l","type":"latency"}"#);
    for (given, printed) in [
        ("1.0", "1"),
        ("-2.50", "-2.5"),
        ("100", "100"),
        ("0.123456789", "0.12345679"),
        ("1e-7", "1e-7"),
        ("0.000001", "0.000001"),
        ("1e21", "1e+21"),
        ("123456789", "123456790"),
    ] {
        let reply = server.send("PATCH /proxies/a/toxics/l", &format!("{{\"toxicity\":{given}}}"));
        assert!(reply.body.ends_with(&format!("\"toxicity\":{printed}}}")), "{given}: {reply:?}");
    }
}

#[test]
fn a_slice_is_printed_where_it_is_set() {
    let server = Server::start();
    server.create("a");
    let body = r#"{"type":"latency","attributes":{"latency":5},"toxicity":0.05,"slice":100}"#;
    let toxic = r#"{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":0.05,"slice":100}"#;
    assert_eq!(server.send("POST /proxies/a/toxics", body), Reply::json(200, toxic));
    assert_eq!(server.send("PATCH /proxies/a/toxics/latency_downstream", "{}"), Reply::json(200, toxic));
}

#[test]
fn toxics_stay_while_a_proxy_is_disabled_and_moved() {
    let server = Server::start();
    server.create("a");
    server.send("POST /proxies/a/toxics", r#"{"type":"latency"}"#);
    for body in [r#"{"enabled":false}"#, r#"{"enabled":true}"#, r#"{"listen":"127.0.0.1:0"}"#] {
        let reply = server.send("PATCH /proxies/a", body);
        assert!(reply.body.contains("latency_downstream"), "{reply:?}");
    }
}

/// Numbers at the bounds of what can be meant, and any other.
fn number() -> impl Strategy<Value = i64> {
    let bounds = [-1, 0, u32::MAX.into(), i64::MAX / 1_000_000, i64::MAX / 1_000, i64::MAX];
    let near = |bound: i64| (bound.saturating_sub(1)..=bound).boxed();
    prop_oneof![any::<i64>(), 0..100_i64, prop::sample::select(bounds.to_vec()).prop_flat_map(near)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_toxic_is_in_force_as_it_was_given_or_refused(
        kind in prop::sample::select(KINDS.to_vec()),
        numbers: [Option<u8>; 3],
        values in prop::array::uniform3(number()),
    ) {
        let (kind, example, _) = kind;
        let known: Map<String, Value> = serde_json::from_str(example).expect("an object");
        let mut attributes = Map::new();
        for ((name, given), value) in known.keys().zip(numbers).zip(values) {
            if given.is_some() {
                attributes.insert(name.clone(), value.into());
            }
        }
        let server = Server::start();
        server.create("a");
        let body = format!("{{\"name\":\"t\",\"type\":\"{kind}\",\"attributes\":{}}}", Value::from(attributes.clone()));
        let reply = server.send("POST /proxies/a/toxics", &body);
        if reply.status == 200 {
            let shown: Value = serde_json::from_str(&reply.body).expect("JSON");
            for name in known.keys().filter(|name| shown["attributes"].get(name).is_some()) {
                let given = attributes.get(name).cloned().unwrap_or_else(|| 0.into());
                prop_assert_eq!(&shown["attributes"][name], &given);
            }
            prop_assert_eq!(server.send("GET /proxies/a/toxics/t", ""), reply);
        } else {
            prop_assert_eq!(reply.status, 400, "{}", body);
            prop_assert_eq!(server.send("GET /proxies/a/toxics", "").body, "[]");
        }
    }
}
