//! JSON over kept-alive HTTP connections.

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, StatusCode,
    body::{Body, Bytes},
};
use hyper_util::{
    client::legacy::{Client as PooledClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::{Serialize, de::DeserializeOwned};

/// A request that was not answered with what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The request could not be written down.
    #[error("the request is not valid")]
    Request(#[from] hyper::http::Error),
    /// No connection, or it broke before the answer.
    #[error("no answer")]
    Transport(#[from] hyper_util::client::legacy::Error),
    /// The connection broke within the answer.
    #[error("the answer broke off")]
    Body(#[from] hyper::Error),
    /// The server refused.
    #[error("status {status}: {text}")]
    Status { status: StatusCode, text: String },
    /// The answer is JSON of another shape, or no JSON.
    #[error("not the expected JSON")]
    Json(#[from] serde_json::Error),
}

/// A client with a pool of connections to each server.
#[derive(Debug, Clone)]
pub(crate) struct Client(PooledClient<HttpConnector, Full<Bytes>>);

impl Client {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(PooledClient::builder(TokioExecutor::new()).build(connector))
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, uri: &str) -> Result<T, Error> {
        self.send(Request::get(uri).body(Full::default())?).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        uri: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let body = Full::from(serde_json::to_vec(body)?);
        let request = Request::builder().method(Method::POST).uri(uri);
        self.send(request.header("content-type", "application/json").body(body)?).await
    }

    /// Opens a connection, which then waits in the pool for its first real request.
    pub(crate) async fn warm_up(&self, uri: &str) -> Result<(), Error> {
        let response = self.0.request(Request::get(uri).body(Full::default())?).await?;
        response.into_body().collect().await?;
        Ok(())
    }

    async fn send<T: DeserializeOwned>(&self, request: Request<Full<Bytes>>) -> Result<T, Error> {
        let response = self.0.request(request).await?;
        let status = response.status();
        let body = read(response.into_body()).await?;
        if status.is_success() {
            Ok(serde_json::from_slice(&body)?)
        } else {
            Err(Error::Status { status, text: String::from_utf8_lossy(&body).into_owned() })
        }
    }
}

async fn read<B: Body>(body: B) -> Result<Bytes, B::Error> {
    Ok(body.collect().await?.to_bytes())
}
