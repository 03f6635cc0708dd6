//! `POST /populate`, and reading the same list from a file.

use super::{Reply, Server, shown, with_toxics};
use crate::proxy::RouteSpec;
use crate::proxy::api::read_routes;

const OFF: &str = r#""upstream":"u:1","enabled":false"#;

#[test]
fn the_proxies_of_a_list_are_made_in_its_order() {
    let server = Server::start();
    let body = format!(
        r#"[{{"name":"b","listen":"x:1",{OFF}}},{{"name":"a","listen":"y:1",{OFF},"toxics":[7]}}] end"#
    );
    let made =
        format!("{{\"proxies\":[{},{}]}}", shown("b", "x:1", "u:1", false), shown("a", "y:1", "u:1", false));
    assert_eq!(server.send("POST /populate", &body), Reply::json(201, made));
}

#[test]
fn an_empty_list_is_answered_with_null() {
    let server = Server::start();
    for body in ["[]", "null"] {
        assert_eq!(server.send("POST /populate", body), Reply::json(201, r#"{"proxies":null}"#));
    }
}

#[test]
fn a_list_that_cannot_be_meant_makes_nothing() {
    let server = Server::start();
    let list = r#"[]struct { toxiproxy.Proxy; Enabled *bool \"json:\\\"enabled\\\"\" }"#;
    let first = format!(r#"{{"name":"a","listen":"x:1",{OFF}}}"#);
    for (body, text) in [
        (String::new(), "bad request body: EOF".to_owned()),
        (
            "{}".to_owned(),
            format!("bad request body: json: cannot unmarshal object into Go value of type {list}"),
        ),
        (
            r#"[{"name":1}]"#.to_owned(),
            "bad request body: json: cannot unmarshal number into Go struct field .name of type string"
                .to_owned(),
        ),
        (format!("[{first},{{\"upstream\":\"u:1\"}}]"), "missing required field: name at proxy 2".to_owned()),
        (format!("[{first},{{\"name\":\"b\"}}]"), "missing required field: upstream at proxy 2".to_owned()),
        ("[null]".to_owned(), "missing required field: name at proxy 1".to_owned()),
    ] {
        let expected = Reply::json(400, format!(r#"{{"error":"{text}","status":400,"proxies":null}}"#));
        assert_eq!(server.send("POST /populate", &body), expected, "{body}");
    }
    assert_eq!(server.send("GET /proxies", "").body, "{}");
}

#[test]
fn a_failure_keeps_the_proxies_made_before_it() {
    let server = Server::start();
    let body = format!(
        r#"[{{"name":"a","listen":"x:1",{OFF}}},{{"name":"b","listen":"local373","upstream":"u:1"}},{{"name":"c",{OFF}}}]"#
    );
    let made = shown("a", "x:1", "u:1", false);
    let text = "listen tcp: address local373: missing port in address";
    let expected = Reply::json(500, format!(r#"{{"error":"{text}","status":500,"proxies":[{made}]}}"#));
    assert_eq!(server.send("POST /populate", &body), expected);
    assert_eq!(server.send("GET /proxies", "").body, format!("{{\"a\":{made}}}"));
}

#[test]
fn an_identical_proxy_is_kept_and_one_that_differs_is_replaced() {
    let server = Server::start();
    let listen = server.create("a");
    server.send("POST /proxies/a/toxics", r#"{"type":"down"}"#);
    server.send("PATCH /proxies/a", r#"{"enabled":false}"#);
    let toxic =
        r#"{"attributes":{},"name":"down_downstream","type":"down","stream":"downstream","toxicity":1}"#;
    let port = listen.rsplit_once(':').expect("a port").1;
    for listen_as in [listen.clone(), format!("localhost:{port}")] {
        let same = format!(r#"[{{"name":"a","listen":"{listen_as}","upstream":"127.0.0.1:9"}}]"#);
        let kept = with_toxics("a", &listen, "127.0.0.1:9", false, toxic);
        assert_eq!(
            server.send("POST /populate", &same),
            Reply::json(201, format!("{{\"proxies\":[{kept}]}}"))
        );
    }
    let other = format!(r#"[{{"name":"a","listen":"{listen}","upstream":"elsewhere:1"}}]"#);
    let replaced = shown("a", &listen, "elsewhere:1", true);
    assert_eq!(
        server.send("POST /populate", &other),
        Reply::json(201, format!("{{\"proxies\":[{replaced}]}}"))
    );
}

#[test]
fn a_replacement_that_fails_leaves_the_old_proxy_serving() {
    let server = Server::start();
    let (listen, taken) = (server.create("a"), server.create("b"));
    server.send("POST /proxies/a/toxics", r#"{"name":"l","type":"latency"}"#);
    let body = format!(r#"[{{"name":"a","listen":"{taken}","upstream":"elsewhere:1"}}]"#);
    let text = format!("listen tcp {taken}: bind: address already in use");
    let expected = Reply::json(500, format!(r#"{{"error":"{text}","status":500,"proxies":null}}"#));
    assert_eq!(server.send("POST /populate", &body), expected);
    let route = server.proxy.table().get("a").expect("it exists");
    assert_eq!((route.listen(), route.toxics().len(), route.is_enabled()), (listen, 1, true));
}

#[test]
fn a_configuration_file_is_read_the_same() {
    let file =
        br#"[{"Name":"a","listen":"[::]:1","upstream":"u:1"},{"name":"b","upstream":"u:2","enabled":false}]"#;
    let a = RouteSpec::new("a", "[::]:1", "u:1");
    let b = RouteSpec { enabled: false, ..RouteSpec::new("b", "", "u:2") };
    assert_eq!(read_routes(file), Ok(vec![a, b]));
    let error = read_routes(b"[{\"name\":\"a\"}]").expect_err("no upstream");
    assert_eq!(error.to_string(), "missing required field: upstream at proxy 1");
}
