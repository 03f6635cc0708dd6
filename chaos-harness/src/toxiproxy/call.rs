//! One call of a server's HTTP API, within a time limit and with its answer looked at.

use crate::clock;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a call may take. The original hangs on some for half a minute.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// How long a server may take to do what it was asked before it was asked to delete it.
const SETTLE: Duration = Duration::from_millis(100);

/// How long an answer may be.
const LONGEST: usize = 16 << 20;

/// A call that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// Nothing listens there.
    #[error("no Toxiproxy answers at {0}: {1}")]
    Unreachable(SocketAddr, #[source] std::io::Error),
    /// It takes too long.
    #[error("the Toxiproxy at {server} has not answered within {} s", LIMIT.as_secs())]
    TimedOut { server: SocketAddr },
    /// It does not speak HTTP, or stopped in the middle.
    #[error("the Toxiproxy at {0} gave no whole answer: {1}")]
    Broken(SocketAddr, #[source] crate::BoxError),
    /// It is something else.
    #[error("what answers at {0} is no Toxiproxy: it did not say its version")]
    Stranger(SocketAddr),
    /// It serves only those who know its token.
    #[error(
        "the Toxiproxy at {0} asks for a token, which `toxiproxy_rust` cannot send: start one for CHAOS_TOXIPROXY without a \
         token, on loopback"
    )]
    AsksForToken(SocketAddr),
    /// It refused.
    #[error("the Toxiproxy at {server} answered {status} to {call}: {text}")]
    Refused { server: SocketAddr, call: String, status: StatusCode, text: String },
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) server: SocketAddr,
    pub(super) call: String,
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Answer {
    /// The body, if the status is one of these.
    pub(super) fn expect(self, right: &[StatusCode]) -> Result<Bytes, CallError> {
        let Self { server, call, status, body } = self;
        if right.contains(&status) {
            return Ok(body);
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(CallError::AsksForToken(server));
        }
        let text = String::from_utf8_lossy(&body).trim().to_owned();
        Err(CallError::Refused { server, call, status, text })
    }
}

/// Calls a server; on a connection of its own, so that a stuck one holds up nothing else.
pub(super) async fn call(
    server: SocketAddr,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Answer, CallError> {
    let call = format!("{method} {path}");
    let body = body.map(Value::to_string).unwrap_or_default();
    let broken = |error: hyper::Error| CallError::Broken(server, error.into());
    let ask = async {
        let stream =
            TcpStream::connect(server).await.map_err(|error| CallError::Unreachable(server, error))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(hyper::header::HOST, server.to_string())
            .header(hyper::header::CONNECTION, "close")
            .header(hyper::header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| CallError::Broken(server, error.into()))?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(broken)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LONGEST).collect().await;
            let body = body.map_err(|error| CallError::Broken(server, error))?.to_bytes();
            Ok(Answer { server, call, status, body })
        };
        // The connection is driven beside the answer; its end may come first, with the answer all there.
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => answer,
            ended = connection => match ended {
                Ok(()) => answer.await,
                Err(error) => Err(broken(error)),
            },
        }
    };
    timeout(LIMIT, ask).await.unwrap_or(Err(CallError::TimedOut { server }))
}

/// The version of a server.
pub(super) async fn version(server: SocketAddr) -> Result<String, CallError> {
    let answer = call(server, Method::GET, "/version", None).await?.expect(&[StatusCode::OK])?;
    let answer = serde_json::from_slice::<Value>(&answer).unwrap_or_default();
    answer["version"].as_str().map(str::to_owned).ok_or(CallError::Stranger(server))
}

/// Deletes a proxy. It is a success when it is gone already, as it is with its server.
pub(crate) async fn delete(server: SocketAddr, proxy: &str) -> Result<(), CallError> {
    if try_delete(server, proxy).await? == StatusCode::NOT_FOUND {
        // Who was to make it may have been cut off just now, with the request on its way.
        clock::sleep(SETTLE).await;
        try_delete(server, proxy).await?;
    }
    Ok(())
}

async fn try_delete(server: SocketAddr, proxy: &str) -> Result<StatusCode, CallError> {
    match call(server, Method::DELETE, &format!("/proxies/{proxy}"), None).await {
        Ok(answer) => {
            let status = answer.status;
            answer.expect(&[StatusCode::NO_CONTENT, StatusCode::NOT_FOUND]).map(|_| status)
        }
        Err(CallError::Unreachable(_, error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Ok(StatusCode::NO_CONTENT)
        }
        Err(error) => Err(error),
    }
}
