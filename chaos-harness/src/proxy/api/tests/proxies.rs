//! Routes of the API, and the calls on proxies.

use super::{Reply, Server, shown, with_toxics};
use std::net::TcpListener;

#[test]
fn an_answer_is_the_originals_to_the_byte() {
    let server = Server::start();
    let answer = server.raw("GET /proxies/none", "", "");
    let lines: Vec<_> = answer.split("\r\n").collect();
    let [status, kind, sniff, id, rest @ ..] = &lines[..] else { panic!("{answer}") };
    assert_eq!(*status, "HTTP/1.1 404 Not Found");
    assert_eq!(*kind, "Content-Type: text/plain; charset=utf-8");
    assert_eq!(*sniff, "X-Content-Type-Options: nosniff");
    assert!(id.starts_with("X-Toxiproxy-Request-Id: "), "{answer}");
    assert!(rest.contains(&"Content-Length: 41"), "{answer}");
    assert_eq!(rest.last(), Some(&"{\"error\":\"proxy not found\",\"status\":404}\n"));
}

#[test]
fn the_version_has_a_space_and_a_line_break() {
    let mut expected = Reply::json(200, "{\"version\": \"2.12.0\"}\n");
    expected.content_type = Some("application/json;charset=utf-8".to_owned());
    assert_eq!(Server::start().send("GET /version", ""), expected);
}

#[test]
fn an_unknown_path_is_not_found_and_a_known_one_may_lack_the_method() {
    let server = Server::start();
    server.create("a");
    let unknown = || Reply::plain(404, "404 page not found\n").unrouted();
    for path in ["/", "/proxy", "/proxies/", "/proxies/a/", "/proxies/a/toxics/", "/proxies/a/b", "/metrics"]
    {
        assert_eq!(server.send(&format!("GET {path}"), ""), unknown(), "{path}");
    }
    let elsewhere = server.raw("GET //proxies/./a%20b", "", "");
    assert!(elsewhere.starts_with("HTTP/1.1 301 Moved Permanently\r\n"), "{elsewhere}");
    assert!(elsewhere.contains("\r\nLocation: /proxies/a%20b\r\n"), "{elsewhere}");
    for request in [
        "HEAD /proxies",
        "OPTIONS /proxies",
        "DELETE /proxies",
        "PUT /proxies/a",
        "GET /reset",
        "GET /populate",
        "POST /version",
        "DELETE /proxies/a/toxics",
        "PUT /proxies/a/toxics/b",
        "POST /proxies/a/counters",
    ] {
        assert_eq!(server.send(request, ""), Reply::empty(405).unrouted(), "{request}");
    }
}

#[test]
fn a_browser_is_refused_on_known_paths_only() {
    let server = Server::start();
    let refused = Reply::plain(403, "User agent not allowed\n");
    assert_eq!(server.send_with("GET /proxies", "User-Agent: Mozilla/5.0 (X11)\r\n", ""), refused);
    assert_eq!(server.send_with("POST /reset", "User-Agent: Mozilla/\r\n", ""), refused);
    assert_eq!(server.send_with("GET /proxies", "User-Agent: mozilla/5.0\r\n", "").status, 200);
    assert_eq!(server.send_with("GET /nothing", "User-Agent: Mozilla/5.0\r\n", "").status, 404);
    assert_eq!(server.send_with("PUT /proxies", "User-Agent: Mozilla/5.0\r\n", "").status, 405);
}

#[test]
fn a_proxy_is_created_shown_and_deleted() {
    let server = Server::start();
    assert_eq!(server.send("GET /proxies", ""), Reply::json(200, "{}"));
    let body = r#"{"name":"redis","listen":"localhost:0","upstream":"nowhere:6379"}"#;
    let created = server.send_with("POST /proxies", "Content-Type: text/csv\r\n", body);
    let listen = server.listen("redis");
    assert!(listen.starts_with("127.0.0.1:") && !listen.ends_with(":0"), "{listen}");
    let redis = shown("redis", &listen, "nowhere:6379", true);
    assert_eq!(created, Reply::json(201, redis.as_str()));
    assert_eq!(server.send("GET /proxies/redis", ""), Reply::json(200, redis.as_str()));
    assert_eq!(server.send("GET /proxies", ""), Reply::json(200, format!("{{\"redis\":{redis}}}")));
    assert_eq!(server.send("DELETE /proxies/redis", ""), Reply::empty(204));
    assert_eq!(server.send("DELETE /proxies/redis", ""), Reply::error(404, "proxy not found"));
    TcpListener::bind(&listen).expect("the port is free again");
}

#[test]
fn a_missing_listen_is_any_address() {
    let server = Server::start();
    for (name, listen) in
        [("absent", ""), ("empty", ",\"listen\":\"\""), ("any", ",\"listen\":\"0.0.0.0:0\"")]
    {
        let body = format!("{{\"name\":\"{name}\",\"upstream\":\"u:1\"{listen}}}");
        assert_eq!(server.send("POST /proxies", &body).status, 201);
        let bound = server.listen(name);
        assert!(bound.starts_with("[::]:") && !bound.ends_with(":0"), "{bound}");
    }
}

#[test]
fn a_disabled_proxy_echoes_its_listen_and_is_not_bound() {
    let server = Server::start();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listen = taken.local_addr().expect("bound").to_string();
    for listen in [listen.as_str(), "local373", ""] {
        let name = format!("at{}", listen.len());
        let body =
            format!("{{\"name\":\"{name}\",\"listen\":\"{listen}\",\"upstream\":\"u:1\",\"enabled\":false}}");
        let expected = shown(&name, listen, "u:1", false);
        assert_eq!(server.send("POST /proxies", &body), Reply::json(201, expected));
    }
}

#[test]
fn a_body_is_read_as_leniently_as_the_original_reads_it() {
    let server = Server::start();
    let body = r#"{"NAME":"a","Listen":"x","upſtream":"u:1","eNabled":false,"name":null,"toxics":[1],"id":{}} trailing"#;
    assert_eq!(server.send("POST /proxies", body), Reply::json(201, shown("a", "x", "u:1", false)));
    let echoed = r#"{"name":"b","listen":"x","upstream":"u:1","enabled":false,"Logger":{},"toxics":[]}"#;
    assert_eq!(server.send("POST /proxies", echoed).status, 201);
    let repeated = r#"{"name":"b","name":"c<","listen":"x","upstream":"u:1","enabled":false}"#;
    let expected = shown(r"c\u003c", "x", "u:1", false);
    assert_eq!(server.send("POST /proxies", repeated), Reply::json(201, expected));
    let nameless = r#"{"name":"d/e","listen":"x","upstream":"u:1","enabled":false}"#;
    assert_eq!(server.send("POST /proxies", nameless).status, 201);
    assert_eq!(server.send("GET /proxies/d%2Fe", "").status, 404);
    assert_eq!(server.send("GET /proxies/c%3C", "").status, 200);
}

#[test]
fn a_body_that_cannot_be_meant_is_refused_with_the_originals_words() {
    let server = Server::start();
    for (body, text) in [
        ("", "EOF"),
        (" \n", "EOF"),
        ("{\"name\":", "unexpected EOF"),
        ("hello", "invalid character 'h' looking for beginning of value"),
        ("{'a':1}", r"invalid character '\\'' looking for beginning of object key string"),
        ("{\"a\" 1}", "invalid character '1' after object key"),
        ("{\"a\":1 \"b\"}", "invalid character '\\\"' after object key:value pair"),
        ("[]", "json: cannot unmarshal array into Go value of type toxiproxy.Proxy"),
        ("\"a\"", "json: cannot unmarshal string into Go value of type toxiproxy.Proxy"),
        (r#"{"name":1}"#, "json: cannot unmarshal number into Go struct field Proxy.name of type string"),
        (
            r#"{"Enabled":"x"}"#,
            "json: cannot unmarshal string into Go struct field Proxy.enabled of type bool",
        ),
    ] {
        let expected = Reply::error(400, &format!("bad request body: {text}"));
        assert_eq!(server.send("POST /proxies", body), expected, "{body}");
    }
    for (body, field) in [
        ("null", "name"),
        (r#"{"upstream":"u:1"}"#, "name"),
        (r#"{"name":"","upstream":"u:1"}"#, "name"),
        (r#"{"name":"a"}"#, "upstream"),
        (r#"{"name":"a","upstream":""}"#, "upstream"),
    ] {
        let expected = Reply::error(400, &format!("missing required field: {field}"));
        assert_eq!(server.send("POST /proxies", body), expected, "{body}");
    }
    assert_eq!(server.send("GET /proxies", "").body, "{}");
}

#[test]
fn a_name_and_a_port_are_given_once() {
    let server = Server::start();
    let listen = server.create("a");
    let again = r#"{"name":"a","listen":"local373","upstream":"u:1"}"#;
    assert_eq!(server.send("POST /proxies", again), Reply::error(409, "proxy already exists"));
    let beside = format!("{{\"name\":\"b\",\"listen\":\"{listen}\",\"upstream\":\"u:1\"}}");
    let taken = Reply::error(500, &format!("listen tcp {listen}: bind: address already in use"));
    assert_eq!(server.send("POST /proxies", &beside), taken);
    let nowhere = r#"{"name":"b","listen":"local373","upstream":"u:1"}"#;
    let nameless = Reply::error(500, "listen tcp: address local373: missing port in address");
    assert_eq!(server.send("POST /proxies", nowhere), nameless);
    assert_eq!(server.send("GET /proxies/b", "").status, 404);
}

#[test]
fn an_update_changes_what_it_names_with_either_method() {
    let server = Server::start();
    let listen = server.create("a");
    for (request, body) in [
        ("PATCH /proxies/a", "{}"),
        ("POST /proxies/a", "null"),
        ("PATCH /proxies/a", r#"{"name":"other","toxics":[],"listen":null}"#),
    ] {
        let same = Reply::json(200, shown("a", &listen, "127.0.0.1:9", true));
        assert_eq!(server.send(request, body), same, "{body}");
    }
    let led = Reply::json(200, shown("a", &listen, "elsewhere:1", true));
    assert_eq!(server.send("POST /proxies/a", r#"{"upstream":"elsewhere:1"}"#), led);
    let off = Reply::json(200, shown("a", &listen, "elsewhere:1", false));
    assert_eq!(server.send("PATCH /proxies/a", r#"{"enabled":false}"#), off);
    let on = Reply::json(200, shown("a", &listen, "elsewhere:1", true));
    assert_eq!(server.send("PATCH /proxies/a", r#"{"ENABLED":true}"#), on);
    assert_eq!(server.send("PATCH /proxies/b", "{}"), Reply::error(404, "proxy not found"));
    let eof = Reply::error(400, "bad request body: EOF");
    assert_eq!(server.send("PATCH /proxies/a", ""), eof);
}

#[test]
fn a_listen_that_cannot_be_taken_leaves_the_old_one_serving() {
    let server = Server::start();
    let (listen, taken) = (server.create("a"), server.create("b"));
    let refused = Reply::error(500, &format!("listen tcp {taken}: bind: address already in use"));
    let body = format!("{{\"listen\":\"{taken}\",\"upstream\":\"elsewhere:1\"}}");
    assert_eq!(server.send("PATCH /proxies/a", &body), refused);
    let nameless = Reply::error(500, "address local373: missing port in address");
    assert_eq!(server.send("PATCH /proxies/a", r#"{"listen":"local373","enabled":true}"#), nameless);
    let still = Reply::json(200, shown("a", &listen, "127.0.0.1:9", true));
    assert_eq!(server.send("GET /proxies/a", ""), still);
    std::net::TcpStream::connect(&listen).expect("it serves where it did");
}

#[test]
fn a_reset_enables_all_proxies_and_takes_off_their_toxics() {
    let server = Server::start();
    let (first, second) = (server.create("a"), server.create("b"));
    server.send("POST /proxies/a/toxics", r#"{"type":"latency"}"#);
    server.send("PATCH /proxies/b", r#"{"enabled":false}"#);
    assert_eq!(server.send("POST /reset", "no JSON"), Reply::empty(204));
    let both = format!(
        "{{\"a\":{},\"b\":{}}}",
        shown("a", &first, "127.0.0.1:9", true),
        shown("b", &second, "127.0.0.1:9", true)
    );
    assert_eq!(server.send("GET /proxies", ""), Reply::json(200, both));
}

#[test]
fn a_reset_that_one_proxy_cannot_follow_resets_the_others() {
    let server = Server::start();
    let (first, second) = (server.create("a"), server.create("b"));
    server.send("PATCH /proxies/a", r#"{"enabled":false}"#);
    server.send("POST /proxies/b/toxics", r#"{"type":"latency"}"#);
    let _taken = TcpListener::bind(&first).expect("the port is free");
    let text = format!("listen tcp {first}: bind: address already in use");
    assert_eq!(server.send("POST /reset", ""), Reply::error(500, &text));
    let expected = with_toxics("b", &second, "127.0.0.1:9", true, "");
    assert_eq!(server.send("GET /proxies/b", ""), Reply::json(200, expected));
}

#[test]
fn counters_and_trace_of_a_proxy_can_be_read() {
    let server = Server::start();
    let listen = server.create("a");
    drop(std::net::TcpStream::connect(listen).expect("it listens"));
    let route = server.proxy.table().get("a").expect("it exists");
    while route.counters().opened == 0 {
        std::thread::yield_now();
    }
    let counters = server.send("GET /proxies/a/counters", "");
    assert_eq!((counters.status, counters.has_id), (200, true));
    assert!(counters.body.contains("\"opened\":1"), "{counters:?}");
    let trace = server.send("GET /proxies/a/trace", "");
    assert_eq!(trace, Reply::json(200, "{\"seed\":5,\"decisions\":[],\"dropped\":0}"));
    assert_eq!(server.send("GET /proxies/b/trace", ""), Reply::error(404, "proxy not found"));
}
