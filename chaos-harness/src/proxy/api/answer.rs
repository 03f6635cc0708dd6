//! Answers, with the headers and texts of the original.

use super::json::{JsonError, quote};
use crate::proxy::{ListenError, ProxyError};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const VERSION: HeaderValue = HeaderValue::from_static("application/json;charset=utf-8");
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

pub(super) type Answer = Response<Full<Bytes>>;

/// What a handler answers: either is an answer to the client.
pub(super) type Outcome = Result<Answer, Refusal>;

fn answer(status: StatusCode, content_type: Option<HeaderValue>, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    if let Some(content_type) = content_type {
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    answer
}

fn with(mut answer: Answer, name: HeaderName, value: HeaderValue) -> Answer {
    answer.headers_mut().insert(name, value);
    answer
}

/// JSON, without a line break at its end.
pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    answer(status, Some(JSON), body)
}

/// Done, and nothing to say.
pub(super) fn no_content() -> Answer {
    answer(StatusCode::NO_CONTENT, None, "")
}

/// The version.
pub(super) fn version(version: &str) -> Answer {
    answer(StatusCode::OK, Some(VERSION), format!("{{\"version\": {}}}\n", quote(version)))
}

/// What Prometheus reads.
pub(super) fn metrics(text: String) -> Answer {
    answer(StatusCode::OK, Some(METRICS), text)
}

/// A page that is not there.
pub(super) fn not_found() -> Answer {
    plain(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// A known page, and a method that it has not.
pub(super) fn wrong_method() -> Answer {
    answer(StatusCode::METHOD_NOT_ALLOWED, None, "")
}

/// A path that is written in another way than it should.
pub(super) fn moved(path: &str) -> Answer {
    match HeaderValue::try_from(path) {
        Ok(path) => with(answer(StatusCode::MOVED_PERMANENTLY, None, ""), LOCATION, path),
        Err(_) => not_found(),
    }
}

/// A browser: a page that it shows could otherwise reach the API of its user's machine.
pub(super) fn browser() -> Answer {
    plain(StatusCode::FORBIDDEN, "User agent not allowed\n")
}

/// A request that does not say whom it is to.
pub(super) fn no_host() -> Answer {
    answer(StatusCode::BAD_REQUEST, Some(PLAIN), "400 Bad Request: missing required Host header")
}

/// A request without the token.
pub(super) fn unauthorized() -> Answer {
    let text = "token missing or wrong: send the header Authorization: Bearer TOKEN";
    let refused = Refusal::new(StatusCode::UNAUTHORIZED, text).answer();
    with(refused, WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// A request that makes no sense as HTTP.
pub(super) fn bad_request() -> Answer {
    answer(StatusCode::BAD_REQUEST, Some(PLAIN), "400 Bad Request")
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    with(answer(status, Some(PLAIN), text), X_CONTENT_TYPE_OPTIONS, NO_SNIFF)
}

/// Why a request is not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// A body that cannot be meant.
    pub(super) fn bad_body(reason: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("bad request body: {reason}"))
    }

    pub(super) fn no_proxy() -> Self {
        Self::new(StatusCode::NOT_FOUND, "proxy not found")
    }

    pub(super) fn no_toxic() -> Self {
        Self::new(StatusCode::NOT_FOUND, "toxic not found")
    }

    pub(super) fn internal(text: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    /// Why a proxy could not be opened. Clients tell this from an update's failure by its first words.
    pub(super) fn opening(error: ProxyError) -> Self {
        match error {
            ProxyError::Listen {
                source: error @ (ListenError::Address { .. } | ListenError::Lookup { .. }),
                ..
            } => Self::internal(format!("listen tcp: {error}")),
            other => Self::from(other),
        }
    }

    /// The two fields that every error has, without the braces.
    pub(super) fn fields(&self) -> String {
        format!("\"error\":{},\"status\":{}", quote(&self.text), self.status.as_u16())
    }

    pub(super) fn answer(&self) -> Answer {
        plain(self.status, format!("{{{}}}\n", self.fields()))
    }
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Self {
        Self::bad_body(error)
    }
}

impl From<ProxyError> for Refusal {
    fn from(error: ProxyError) -> Self {
        match error {
            ProxyError::RouteExists(_) => Self::new(StatusCode::CONFLICT, "proxy already exists"),
            ProxyError::NoSuchRoute(_) => Self::no_proxy(),
            ProxyError::ToxicExists { .. } => Self::new(StatusCode::CONFLICT, "toxic already exists"),
            ProxyError::NoSuchToxic { .. } => Self::no_toxic(),
            ProxyError::InvalidToxic { reason, .. } => Self::bad_body(reason),
            ProxyError::Listen { source, .. } => Self::internal(source.to_string()),
            other => Self::internal(other.to_string()),
        }
    }
}
