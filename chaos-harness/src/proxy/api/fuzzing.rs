//! Requests without a connection, for the fuzz targets. Nothing listens and no host is looked up: the routes stay
//! disabled.

use super::answer::Outcome;
use super::router::{Call, Destination, destination};
use super::specs::{ProxyFields, read_routes};
use super::{metrics, proxies, toxics};
use crate::Seed;
use crate::proxy::{Proxy, RouteSpec, Table};
use futures::FutureExt as _;
use http_body_util::BodyExt as _;
use hyper::Method;
use hyper::header::CONTENT_TYPE;
use serde_json::Value;
use std::cell::OnceCell;

thread_local! {
    static PROXY: OnceCell<Proxy> = const { OnceCell::new() };
}

/// Reads a list of proxies. One that can be read is read the same when it is written down again.
///
/// # Panics
/// It is not.
pub fn proxies(data: &[u8]) {
    let Ok(specs) = read_routes(data) else { return };
    let written: Vec<_> = specs.iter().map(written).collect();
    let again = read_routes(Value::from(written).to_string().as_bytes());
    assert_eq!(again.as_ref(), Ok(&specs));
}

fn written(spec: &RouteSpec) -> Value {
    let RouteSpec { name, listen, upstream, enabled } = spec;
    serde_json::json!({ "name": name, "listen": listen, "upstream": upstream, "enabled": enabled })
}

/// Answers requests: each a line with method and path, then the body, up to an empty line. What is answered as JSON is
/// JSON, and the toxics that are listed at the end can be made again as they are listed.
///
/// # Panics
/// One of the two does not hold.
pub fn api(data: &[u8]) {
    PROXY.with(|proxy| {
        let start = || Proxy::start(Seed::new(1)).unwrap_or_else(|error| panic!("{error}"));
        let table = proxy.get_or_init(start).table();
        for name in ["p", "again"] {
            drop(table.close(name));
            let spec = RouteSpec { enabled: false, ..RouteSpec::new(name, "127.0.0.1:0", "127.0.0.1:9") };
            table.open(spec).unwrap_or_else(|error| panic!("{error}"));
        }
        let mut rest = data;
        while !rest.is_empty() {
            let end = rest.windows(2).position(|two| two == b"\n\n");
            let (request, after) = end.map_or((rest, &[][..]), |end| (&rest[..end], &rest[end + 2..]));
            answer(table, request);
            rest = after;
        }
        make_again(table);
    });
}

fn answer(table: &Table, request: &[u8]) {
    let end = request.iter().position(|byte| *byte == b'\n').unwrap_or(request.len());
    let body = request.get(end + 1..).unwrap_or_default();
    let Ok(head) = std::str::from_utf8(&request[..end]) else { return };
    let Some((method, path)) = head.split_once(' ') else { return };
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    match destination(&method, path, true) {
        Destination::Call(call) => drop(perform(table, call, body).map(json)),
        Destination::Elsewhere(plain) => {
            let again = destination(&method, &plain, true);
            assert!(!matches!(again, Destination::Elsewhere(_)), "{plain} is led to {again:?}");
        }
        Destination::WrongMethod | Destination::Nowhere | Destination::Malformed => {}
    }
}

/// What is answered; nothing where the call would listen.
fn perform(table: &Table, call: Call, body: &[u8]) -> Option<Outcome> {
    Some(match call {
        Call::CreateProxy => {
            drop(proxies::read_new(body));
            return None;
        }
        Call::Populate => {
            drop(read_routes(body));
            return None;
        }
        Call::UpdateProxy(proxy) => {
            let fields = ProxyFields::of_body(body).ok()?;
            if fields.enabled == Some(true) {
                return None;
            }
            proxies::update(table, &proxy, body)
        }
        Call::Version | Call::Reset | Call::DeleteProxy(_) => return None,
        Call::Metrics => {
            drop(metrics::print(table, true, true));
            return None;
        }
        Call::ListProxies => Ok(proxies::list(table)),
        Call::ShowProxy(proxy) => proxies::show(table, &proxy),
        Call::ShowCounters(proxy) => proxies::counters(table, &proxy),
        Call::ShowTrace(proxy) => proxies::trace(table, &proxy),
        Call::ListToxics(proxy) => toxics::list(table, &proxy),
        Call::CreateToxic(proxy) => toxics::create(table, &proxy, body),
        Call::ShowToxic(proxy, toxic) => toxics::show(table, &proxy, &toxic),
        Call::UpdateToxic(proxy, toxic) => toxics::update(table, &proxy, &toxic, body),
        Call::DeleteToxic(proxy, toxic) => toxics::delete(table, &proxy, &toxic),
    })
}

/// The answer's body, which is JSON where it says so.
fn json(outcome: Outcome) -> Value {
    let answer = outcome.unwrap_or_else(|refusal| refusal.answer());
    let says_json = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let Some(Ok(body)) = answer.into_body().collect().now_or_never() else { panic!("the body is there") };
    if !says_json {
        return Value::Null;
    }
    let body = body.to_bytes();
    let read = serde_json::from_slice(&body);
    read.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&body)))
}

fn make_again(table: &Table) {
    let listed = json(toxics::list(table, "p"));
    for toxic in listed.as_array().into_iter().flatten() {
        let made = toxics::create(table, "again", toxic.to_string().as_bytes());
        assert!(made.is_ok(), "{toxic} cannot be made again: {made:?}");
    }
    assert_eq!(json(toxics::list(table, "again")), listed);
}
