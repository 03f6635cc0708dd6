//! Who may use the API.

use super::{Reply, Server};
use crate::Seed;
use crate::proxy::api::{ApiAccess, ApiError, ApiOptions, ApiToken};
use crate::proxy::{Api, Proxy};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};

const TOKEN: &str = "correct-horse-battery-staple";

fn token() -> ApiToken {
    ApiToken::new(TOKEN).expect("it is one")
}

fn serve(listen: &str, access: ApiAccess) -> Result<(Api, Proxy), ApiError> {
    let proxy = Proxy::start(Seed::new(1)).expect("threads start");
    let options = ApiOptions { listen: listen.to_owned(), access, ..ApiOptions::default() };
    Ok((proxy.serve_api(options)?, proxy))
}

/// The answer to these lines, each of which has its line break.
fn answer(server: &Server, head: &str) -> String {
    let mut stream = server.connect();
    write!(stream, "{head}\r\n").expect("the API reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in time");
    answer
}

fn closing(server: &Server, request: &str, headers: &str) -> Reply {
    let answer = answer(server, &format!("{request}\r\nConnection: close\r\n{headers}"));
    // It is answered in the version that it was asked in.
    Reply::read(&answer.replacen("HTTP/1.0 ", "HTTP/1.1 ", 1))
}

#[test]
fn each_server_has_a_free_port_of_loopback() {
    let servers = [Server::start(), Server::start()];
    let [one, other] = servers.each_ref().map(|server| server.api.address());
    assert!(one.ip().is_loopback() && other.ip().is_loopback());
    assert!(one.port() != 0 && other.port() != 0 && one != other);
    let (named, _proxy) = serve("localhost:0", ApiAccess::default()).expect("a free port");
    assert!(named.address().ip().is_loopback());
}

#[test]
fn an_address_that_others_reach_is_asked_for_outright() {
    for access in [ApiAccess::default(), ApiAccess::Local { token: Some(token()) }] {
        for listen in ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0", "192.0.2.7:0"] {
            let error = serve(listen, access.clone()).expect_err("it is no loopback");
            assert!(matches!(&error, ApiError::NotLocal { address, .. } if address == listen), "{error}");
            assert!(error.to_string().contains("ApiAccess::Remote"), "{error}");
        }
    }
    for access in [ApiAccess::Remote { token: token() }, ApiAccess::RemoteWithoutToken] {
        let (api, _proxy) = serve("0.0.0.0:0", access).expect("a free port");
        assert_eq!(api.address().ip(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    }
}

#[test]
fn a_request_for_a_stranger_is_refused_and_changes_nothing() {
    let mut options = ApiOptions::default();
    options.allowed_hosts.push("toxics.test".parse().expect("a name"));
    let server = Server::with(options);
    server.create("a");
    let own = server.api.address().to_string();
    for host in ["localhost", "127.0.0.1:1", "[::1]:1", "toxics.test:99", &*own] {
        assert_eq!(
            closing(&server, "GET /proxies HTTP/1.1", &format!("Host: {host}\r\n")).status,
            200,
            "{host}"
        );
    }
    for (request, headers, stranger) in [
        ("DELETE /proxies/a HTTP/1.1", "Host: evil.test\r\n", "evil.test"),
        ("POST /reset HTTP/1.1", "Host: evil.test:8474\r\n", "evil.test:8474"),
        ("GET /version HTTP/1.1", "Host: evil.test\r\n", "evil.test"),
        ("GET /version HTTP/1.0", "Host: evil.test\r\n", "evil.test"),
        // Which of two a server goes by is anybody's guess.
        ("GET /proxies HTTP/1.1", "Host: localhost\r\nHost: evil.test\r\n", "evil.test"),
        ("GET http://evil.test/proxies HTTP/1.1", "Host: localhost\r\n", "evil.test"),
        ("GET /proxies HTTP/1.1", "Host: x\\\"y\r\n", "x\\\\\\\"y"),
    ] {
        let text = format!(
            "host not allowed: {stranger}; start the server with --allow-host and that name, or call it by its address"
        );
        assert_eq!(closing(&server, request, headers), Reply::error(403, &text), "{request}");
    }
    assert!(server.proxy.table().get("a").is_some());
}

#[test]
fn a_host_is_needed_as_in_the_original_but_by_clients_of_http_1_0() {
    let server = Server::start();
    let old = answer(&server, "GET /proxies HTTP/1.0\r\n");
    assert!(old.starts_with("HTTP/1.0 200 OK\r\n") && old.ends_with("{}"), "{old}");
    let refused = closing(&server, "GET /proxies HTTP/1.1", "");
    let text = "400 Bad Request: missing required Host header";
    assert_eq!((refused.status, refused.body.as_str()), (400, text));
}

#[test]
fn nor_are_strangers_told_what_there_is() {
    let server = Server::start();
    let own = server.api.address();
    let foreign = "origin not allowed: the API is not for the pages of others";
    for (request, answer) in [
        ("PUT /proxies HTTP/1.1", Reply::empty(405)),
        ("GET /nowhere HTTP/1.1", Reply::plain(404, "404 page not found\n")),
        ("GET //proxies HTTP/1.1", Reply::empty(301)),
        ("GET /proxies/a%2 HTTP/1.1", Reply { no_sniff: false, ..Reply::plain(400, "400 Bad Request") }),
    ] {
        let host = closing(&server, request, "Host: evil.test\r\n");
        assert!(
            host.status == 403 && host.body.contains("host not allowed: evil.test"),
            "{request}: {host:?}"
        );
        let page = closing(&server, request, &format!("Host: {own}\r\nOrigin: http://evil.test\r\n"));
        assert_eq!(page, Reply::error(403, foreign).unrouted(), "{request}");
        let nobody = closing(&server, request, "");
        assert_eq!(nobody.body, "400 Bad Request: missing required Host header", "{request}");
        // One that errs gets the original's answer, a browser too.
        let own = format!("Host: {own}\r\nUser-Agent: Mozilla/5.0\r\n");
        assert_eq!(closing(&server, request, &own), answer.unrouted(), "{request}");
    }
}

#[test]
fn the_page_of_another_is_refused() {
    let server = Server::start();
    let own = server.api.address().to_string();
    let with = |headers: &str| closing(&server, "GET /proxies HTTP/1.1", headers);
    assert_eq!(with(&format!("Host: {own}\r\nOrigin: http://{own}\r\n")).status, 200);
    let refused = Reply::error(403, "origin not allowed: the API is not for the pages of others");
    for origin in ["null", "http://evil.test", "http://localhost:1", &format!("https://{own}"), "", &own] {
        let headers = format!("Host: {own}\r\nOrigin: {origin}\r\n");
        assert_eq!(with(&headers), refused, "{origin}");
    }
    let twice = format!("Host: {own}\r\nOrigin: http://{own}\r\nOrigin: http://evil.test\r\n");
    assert_eq!(with(&twice), refused);
    // The original's answer to a browser stays what it is.
    let browser = with(&format!("Host: {own}\r\nUser-Agent: Mozilla/5.0\r\nOrigin: http://evil.test\r\n"));
    assert_eq!(browser, Reply::plain(403, "User agent not allowed\n"));
}

#[test]
fn without_the_token_only_the_version_is_told() {
    let access = ApiAccess::Local { token: Some(token()) };
    let server = Server::with(ApiOptions { access, ..ApiOptions::default() });
    let with = |request: &str, headers: &str| server.send_with(request, headers, "");
    let right = format!("Authorization: {}\r\n", token().authorization());
    assert_eq!(with("GET /proxies", &right), Reply::json(200, "{}"));
    assert_eq!(with("GET /version", "").status, 200);

    let refused = Reply::error(401, "token missing or wrong: send the header Authorization: Bearer TOKEN");
    let twice = format!("{right}Authorization: Bearer wrong\r\n");
    for wrong in
        ["", "Authorization: Bearer \r\n", "Authorization: Bearer correct-horse-battery-stapl\r\n", &twice]
    {
        for request in
            ["GET /proxies", "POST /reset", "POST /populate", "DELETE /proxies/a", "GET /proxies/a/toxics"]
        {
            assert_eq!(with(request, wrong), refused, "{request} {wrong}");
        }
    }
    let raw = server.raw("GET /proxies", "", "");
    assert!(raw.contains("\r\nWww-Authenticate: Bearer\r\n"), "{raw}");
    // It opens the door to no stranger.
    let strange = closing(&server, "GET /proxies HTTP/1.1", &format!("Host: evil.test\r\n{right}"));
    assert_eq!(strange.status, 403);
}

#[test]
fn a_token_is_in_nothing_that_is_printed() {
    let access = ApiAccess::Remote { token: token() };
    let options = ApiOptions { access: access.clone(), ..ApiOptions::default() };
    let (api, _proxy) = serve("127.0.0.1:0", access).expect("a free port");
    for printed in [format!("{options:?}"), format!("{options:#?}"), format!("{api:?}")] {
        assert!(!printed.contains("horse"), "{printed}");
    }
}
