//! HTTP to a server: one connection for each call.

use super::address::Address;
use super::error::DriveError;
use super::wire::Refusal;
use crate::plain;
use chaos_harness::proxy::ApiToken;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Longest wait for an answer. The original's own limit for a call is 25 s.
const ANSWER: Duration = Duration::from_secs(30);

/// How long an answer may be: that to a list of as many proxies as a request can name.
const LONGEST: usize = 64 << 20;

/// How many letters of what a server says are told.
const MOST_SHOWN: usize = 500;

/// A client of one server.
#[derive(Debug)]
pub(super) struct Client {
    address: Address,
    token: Option<ApiToken>,
}

impl Client {
    pub(super) fn new(address: Address, token: Option<ApiToken>) -> Self {
        Self { address, token }
    }

    /// The server's address, for messages.
    pub(super) fn url(&self) -> String {
        self.address.url()
    }

    /// Calls, and reads the answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, DriveError> {
        let answer = self.call(method, path, body).await?;
        serde_json::from_slice(&answer).map_err(|error| self.garbled(&error))
    }

    /// Calls; an answer that is not a success is an error.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Bytes, DriveError> {
        let exchange = async {
            let stream = self.connect().await?;
            self.exchange(stream, method, path, body).await
        };
        match timeout(ANSWER, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(DriveError::Silent { url: self.url(), seconds: ANSWER.as_secs() }),
        }
    }

    async fn connect(&self) -> Result<TcpStream, DriveError> {
        let unreachable = |reason: String| DriveError::Unreachable { url: self.url(), reason };
        match timeout(CONNECT, TcpStream::connect(self.address.authority())).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(unreachable(error.to_string())),
            Err(_) => Err(unreachable(format!("no connection within {} s", CONNECT.as_secs()))),
        }
    }

    async fn exchange(
        &self,
        stream: TcpStream,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Bytes, DriveError> {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.garbled(&error))?;
        // It ends with the sender; what goes wrong in it is told by the request's outcome.
        let connection = tokio::spawn(connection);
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.authority())
            .header(USER_AGENT, concat!("cargo-chaos/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::<Bytes>::from(body))
            .map_err(|error| self.garbled(&error))?;
        if let Some(token) = &self.token {
            let mut shown =
                HeaderValue::try_from(token.authorization()).map_err(|error| self.garbled(&error))?;
            shown.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, shown);
        }
        let response = sender.send_request(request).await.map_err(|error| self.garbled(&error))?;
        let status = response.status();
        let body = match Limited::new(response.into_body(), LONGEST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(DriveError::Endless { url: self.url(), longest: LONGEST });
            }
            Err(error) => return Err(self.garbled(&*error)),
        };
        connection.abort();
        if status.is_success() {
            return Ok(body);
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(DriveError::Unauthorized { url: self.url() });
        }
        let message = match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => refusal.error,
            Err(_) => String::from_utf8_lossy(&body).trim().to_owned(),
        };
        Err(DriveError::Refused { url: self.url(), status, message: shown(&message) })
    }

    fn garbled(&self, error: &dyn Error) -> DriveError {
        let mut reason = error.to_string();
        if let Some(source) = error.source() {
            reason = format!("{reason}: {source}");
        }
        // It may quote the answer.
        DriveError::Garbled { url: self.url(), reason: shown(&reason) }
    }
}

/// What a server says: one line of it, and not without end.
fn shown(said: &str) -> String {
    let cut = said.char_indices().nth(MOST_SHOWN).map(|(end, _)| &said[..end]);
    cut.map_or_else(|| plain::line(said), |cut| plain::line(cut) + " [...]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_cut_and_is_one_line() {
        assert_eq!(shown("no\n::error::proxy"), "no\\n::error::proxy");
        let most = "\u{e4}".repeat(MOST_SHOWN);
        assert_eq!(shown(&most), most);
        assert_eq!(shown(&format!("{most}x")), format!("{most} [...]"));
    }
}
