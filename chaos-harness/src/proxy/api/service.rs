//! What the API answers to a request.

use super::answer::{self, Answer, Outcome, Refusal};
use super::request_id::RequestIds;
use super::router::{Call, Destination, destination};
use super::turns::Turns;
use super::{VERSION, metrics, populate, proxies, toxics};
use crate::proxy::Table;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode};
use std::sync::Arc;
use std::time::Duration;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-toxiproxy-request-id");
/// Thousands of proxies fit.
const LARGEST_BODY: usize = 8 << 20;
/// How long a body may take.
const BODY_WITHIN: Duration = Duration::from_secs(15);

/// Answers requests. The bodies of requests are read before anything is locked: a slow client holds up no other.
pub(super) struct Service {
    table: Table,
    proxy_metrics: bool,
    runtime_metrics: bool,
    turns: Turns,
    ids: RequestIds,
}

impl Service {
    pub(super) fn new(table: Table, proxy_metrics: bool, runtime_metrics: bool) -> Self {
        Self { table, proxy_metrics, runtime_metrics, turns: Turns::new(), ids: RequestIds::new() }
    }

    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let has_metrics = self.proxy_metrics || self.runtime_metrics;
        let call = match destination(&head.method, head.uri.path(), has_metrics) {
            Destination::Call(call) => call,
            Destination::WrongMethod => return answer::wrong_method(),
            Destination::Nowhere => return answer::not_found(),
            Destination::Elsewhere(path) => return answer::moved(&path),
            Destination::Malformed => return answer::bad_request(),
        };
        let id = self.ids.next();
        let agent = head.headers.get(USER_AGENT);
        let mut answer = if agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/")) {
            answer::browser()
        } else {
            self.perform(call, body).await.unwrap_or_else(|refusal| refusal.answer())
        };
        tracing::debug!(method = %head.method, uri = %head.uri, status = answer.status().as_u16(), id, "API");
        if let Ok(id) = HeaderValue::try_from(id) {
            answer.headers_mut().insert(REQUEST_ID, id);
        }
        answer
    }

    async fn perform(self: Arc<Self>, call: Call, body: Incoming) -> Outcome {
        let table = &self.table;
        match call {
            Call::Version => Ok(answer::version(VERSION)),
            Call::Metrics => self.blocking(Self::metrics).await,
            Call::ListProxies => Ok(proxies::list(table)),
            Call::ShowProxy(proxy) => proxies::show(table, &proxy),
            Call::ShowCounters(proxy) => proxies::counters(table, &proxy),
            Call::ShowTrace(proxy) => proxies::trace(table, &proxy),
            Call::ListToxics(proxy) => toxics::list(table, &proxy),
            Call::ShowToxic(proxy, toxic) => toxics::show(table, &proxy, &toxic),
            Call::CreateProxy => {
                let spec = proxies::read_new(&read(body).await?)?;
                self.blocking(move |service| {
                    let _turn = service.turns.wait(&spec.name);
                    proxies::create(&service.table, spec)
                })
                .await
            }
            Call::UpdateProxy(proxy) => {
                let body = read(body).await?;
                self.blocking(move |service| {
                    let _turn = service.turns.wait(&proxy);
                    proxies::update(&service.table, &proxy, &body)
                })
                .await
            }
            Call::Populate => {
                let body = read(body).await?;
                self.blocking(move |service| Ok(populate::populate(&service.table, &service.turns, &body)))
                    .await
            }
            Call::Reset => self.blocking(Self::reset).await,
            Call::DeleteProxy(proxy) => {
                let _turn = self.turns.take(&proxy).await;
                proxies::delete(table, &proxy)
            }
            Call::CreateToxic(proxy) => {
                let body = read(body).await?;
                let _turn = self.turns.take(&proxy).await;
                toxics::create(table, &proxy, &body)
            }
            Call::UpdateToxic(proxy, toxic) => {
                let body = read(body).await?;
                let _turn = self.turns.take(&proxy).await;
                toxics::update(table, &proxy, &toxic, &body)
            }
            Call::DeleteToxic(proxy, toxic) => {
                let _turn = self.turns.take(&proxy).await;
                toxics::delete(table, &proxy, &toxic)
            }
        }
    }

    /// `GET /metrics`. Reads files of the system's, which takes a while where thousands are open.
    #[expect(clippy::unnecessary_wraps, reason = "the same as the other calls that may block")]
    fn metrics(&self) -> Outcome {
        Ok(answer::metrics(metrics::print(&self.table, self.proxy_metrics, self.runtime_metrics)))
    }

    /// Performs a call that may block: a host name's look-up can take long. It is carried through even where the
    /// client leaves.
    async fn blocking(self: Arc<Self>, call: impl FnOnce(&Self) -> Outcome + Send + 'static) -> Outcome {
        let performed = tokio::task::spawn_blocking(move || call(&self)).await;
        performed.unwrap_or_else(|error| Err(Refusal::internal(error.to_string())))
    }

    /// `POST /reset`: all proxies enabled, and no toxics. One that cannot be enabled keeps none of the others from it.
    fn reset(&self) -> Outcome {
        let mut outcome = Ok(answer::no_content());
        for route in self.table.routes() {
            let _turn = self.turns.wait(route.name());
            if let Err(refusal) = proxies::reset(&route) {
                outcome = outcome.and(Err(refusal));
            }
        }
        outcome
    }
}

/// The whole body, as long as it is bounded in size and time.
async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let too_large = || {
        let text = format!("request body too large: it can have {LARGEST_BODY} bytes at most");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    if body.size_hint().lower() > LARGEST_BODY as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_WITHIN, Limited::new(body, LARGEST_BODY).collect()).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::bad_body("unexpected EOF")),
        Err(_) => {
            let text = format!("request body not complete after {} s", BODY_WITHIN.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, text))
        }
    }
}
