//! Who may use the API: nobody who looks for another host, no page of another's, no browser, and where there is a token,
//! nobody without it.
//!
//! Host and origin are asked for whatever a request is about, also where that leads nowhere; browser and token only of the
//! API's calls, since the original gives a browser that errs the answer that everybody gets.

use super::answer::{self, Answer, Refusal};
use super::host::Hosts;
use super::router::Call;
use super::token::ApiToken;
use hyper::header::{AUTHORIZATION, GetAll, HOST, HeaderMap, HeaderValue, ORIGIN, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{StatusCode, Version};
use std::borrow::Cow;

/// What a request must have before it is looked into.
#[derive(Debug)]
pub(super) struct Gate {
    hosts: Hosts,
    token: Option<ApiToken>,
}

impl Gate {
    pub(super) fn new(hosts: Hosts, token: Option<ApiToken>) -> Self {
        Self { hosts, token }
    }

    /// The answer to a request that may not make this call; `None` for one that may.
    pub(super) fn keeps_from(&self, request: &Parts, call: &Call) -> Option<Answer> {
        let agent = request.headers.get(USER_AGENT);
        if agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/")) {
            return Some(answer::browser());
        }
        // Whether a server is ready is asked by those who know no secret, and its answer is the same everywhere.
        let is_open = *call == Call::Version;
        let is_unknown = || (!is_open && !self.knows(&request.headers)).then(answer::unauthorized);
        self.turns_away(request).or_else(is_unknown)
    }

    /// The answer to a request that may not even know which calls there are.
    pub(super) fn turns_away(&self, request: &Parts) -> Option<Answer> {
        let headers = &request.headers;
        // HTTP/1.0 needs no host. Who sends none is no browser.
        if request.version >= Version::HTTP_11 && !headers.contains_key(HOST) {
            return Some(answer::no_host());
        }
        if let Some(stranger) = self.stranger(request) {
            let text = format!(
                "host not allowed: {stranger}; start the server with --allow-host and that name, or call it by its address"
            );
            return Some(Refusal::new(StatusCode::FORBIDDEN, text).answer());
        }
        if !is_own_origin(headers) {
            let text = "origin not allowed: the API is not for the pages of others";
            return Some(Refusal::new(StatusCode::FORBIDDEN, text).answer());
        }
        None
    }

    /// The first authority in the request that is not this API's.
    fn stranger(&self, request: &Parts) -> Option<String> {
        let asked = request.uri.authority().map(|authority| authority.as_str().as_bytes());
        let hosts = request.headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
        let named = hosts.chain(asked).map(String::from_utf8_lossy);
        named.filter(|authority| !self.hosts.has(authority)).map(Cow::into_owned).next()
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        only(headers.get_all(AUTHORIZATION)).is_some_and(|shown| token.is_shown_by(shown.as_bytes()))
    }
}

/// Whether it comes from no page, or from one of the API's own.
fn is_own_origin(headers: &HeaderMap) -> bool {
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let (Some(origin), Some(host)) = (only(headers.get_all(ORIGIN)), only(headers.get_all(HOST))) else {
        return false;
    };
    origin.as_bytes().strip_prefix(b"http://").is_some_and(|own| own.eq_ignore_ascii_case(host.as_bytes()))
}

/// The value of a header that is there once.
fn only(values: GetAll<'_, HeaderValue>) -> Option<&HeaderValue> {
    let mut values = values.into_iter();
    values.next().filter(|_| values.next().is_none())
}
