//! Which call a method and a path mean.

use hyper::Method;
use std::fmt::Write;

/// A call of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    Reset,
    Populate,
    Version,
    Metrics,
    ListProxies,
    CreateProxy,
    ShowProxy(String),
    UpdateProxy(String),
    DeleteProxy(String),
    ListToxics(String),
    CreateToxic(String),
    ShowToxic(String, String),
    UpdateToxic(String, String),
    DeleteToxic(String, String),
    ShowCounters(String),
    ShowTrace(String),
}

/// What a request's first line leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Call(Call),
    /// A known path, and a method that it has not.
    WrongMethod,
    /// The path is not known.
    Nowhere,
    /// The path in its plain form.
    Elsewhere(String),
    /// The path is none.
    Malformed,
}

/// Where `method` and `path`, as they stand in the request, lead.
pub(super) fn destination(method: &Method, path: &str, has_metrics: bool) -> Destination {
    let Some(decoded) = decode(path) else { return Destination::Malformed };
    let plain = plain_form(&decoded);
    if plain != decoded {
        return Destination::Elsewhere(encode(&plain));
    }
    let segments: Vec<&str> = decoded.split('/').skip(1).collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Destination::Nowhere;
    }
    let call = match (&segments[..], method) {
        (["metrics"], _) if has_metrics => Some(Call::Metrics),
        (["reset"], &Method::POST) => Some(Call::Reset),
        (["populate"], &Method::POST) => Some(Call::Populate),
        (["version"], &Method::GET) => Some(Call::Version),
        (["proxies"], &Method::GET) => Some(Call::ListProxies),
        (["proxies"], &Method::POST) => Some(Call::CreateProxy),
        (["proxies", proxy], method) => proxy_call(method, proxy),
        (["proxies", proxy, part], method) => part_call(method, proxy, part),
        (["proxies", proxy, "toxics", toxic], method) => toxic_call(method, proxy, toxic),
        _ => None,
    };
    match (call, &segments[..]) {
        (Some(call), _) => Destination::Call(call),
        (
            None,
            ["reset" | "populate" | "version" | "proxies"]
            | ["proxies", _]
            | ["proxies", _, "toxics" | "counters" | "trace"]
            | ["proxies", _, "toxics", _],
        ) => Destination::WrongMethod,
        (None, _) => Destination::Nowhere,
    }
}

fn proxy_call(method: &Method, proxy: &str) -> Option<Call> {
    let proxy = proxy.to_owned();
    match *method {
        Method::GET => Some(Call::ShowProxy(proxy)),
        Method::POST | Method::PATCH => Some(Call::UpdateProxy(proxy)),
        Method::DELETE => Some(Call::DeleteProxy(proxy)),
        _ => None,
    }
}

fn part_call(method: &Method, proxy: &str, part: &str) -> Option<Call> {
    let proxy = proxy.to_owned();
    match (method, part) {
        (&Method::GET, "toxics") => Some(Call::ListToxics(proxy)),
        (&Method::POST, "toxics") => Some(Call::CreateToxic(proxy)),
        (&Method::GET, "counters") => Some(Call::ShowCounters(proxy)),
        (&Method::GET, "trace") => Some(Call::ShowTrace(proxy)),
        _ => None,
    }
}

fn toxic_call(method: &Method, proxy: &str, toxic: &str) -> Option<Call> {
    let (proxy, toxic) = (proxy.to_owned(), toxic.to_owned());
    match *method {
        Method::GET => Some(Call::ShowToxic(proxy, toxic)),
        Method::POST | Method::PATCH => Some(Call::UpdateToxic(proxy, toxic)),
        Method::DELETE => Some(Call::DeleteToxic(proxy, toxic)),
        _ => None,
    }
}

/// `path` without percent signs; `None` where what follows one is not two digits.
fn decode(path: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            decoded.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    // A name is UTF-8: what is not cannot be one.
    Some(String::from_utf8_lossy(&decoded).into_owned())
}

fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'/'
            | b'$'
            | b'&'
            | b'+'
            | b','
            | b':'
            | b';'
            | b'='
            | b'@' => encoded.push(char::from(byte)),
            other => {
                // Writing to a string cannot fail.
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}

/// `path` without empty, `.` and `..` segments. A slash at its end stays.
fn plain_form(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let ends_in_slash = path.ends_with('/') && !kept.is_empty();
    format!("/{}{}", kept.join("/"), if ends_in_slash { "/" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(method: &Method, path: &str) -> Destination {
        destination(method, path, false)
    }

    #[test]
    fn names_are_decoded_and_a_slash_in_a_name_cannot_be_reached() {
        let show = Call::ShowProxy("a b\u{e9}".to_owned());
        assert_eq!(to(&Method::GET, "/proxies/a%20b%C3%A9"), Destination::Call(show));
        assert_eq!(to(&Method::GET, "/proxies/a%2Fb"), Destination::Nowhere);
        assert_eq!(to(&Method::GET, "/proxies/a%2"), Destination::Malformed);
        assert_eq!(to(&Method::GET, "/proxies/a%+1"), Destination::Malformed);
    }

    #[test]
    fn a_path_in_another_form_is_led_to_its_plain_form() {
        let plain = |path: &str| Destination::Elsewhere(path.to_owned());
        assert_eq!(to(&Method::GET, "//proxies"), plain("/proxies"));
        assert_eq!(to(&Method::GET, "/proxies/./a%20b/../c/"), plain("/proxies/c/"));
        assert_eq!(to(&Method::GET, "/.."), plain("/"));
        assert_eq!(to(&Method::GET, "/"), Destination::Nowhere);
    }

    #[test]
    fn post_and_patch_update_alike_and_metrics_take_any_method() {
        for method in [Method::POST, Method::PATCH] {
            assert_eq!(to(&method, "/proxies/a"), Destination::Call(Call::UpdateProxy("a".to_owned())));
        }
        assert_eq!(destination(&Method::PUT, "/metrics", true), Destination::Call(Call::Metrics));
        assert_eq!(to(&Method::GET, "/metrics"), Destination::Nowhere);
    }
}
