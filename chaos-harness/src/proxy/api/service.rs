//! What the API answers to a request.

use super::answer::{self, Answer, Outcome, Refusal};
use super::body::Bodies;
use super::gate::Gate;
use super::request_id::RequestIds;
use super::router::{Call, Destination, destination};
use super::turns::Turns;
use super::{VERSION, metrics, populate, proxies, toxics};
use crate::proxy::Table;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use std::sync::Arc;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-toxiproxy-request-id");

/// Answers requests. The bodies of requests are read before anything is locked: a slow client holds up no other.
pub(super) struct Service {
    table: Table,
    gate: Gate,
    proxy_metrics: bool,
    runtime_metrics: bool,
    bodies: Bodies,
    turns: Turns,
    ids: RequestIds,
}

impl Service {
    pub(super) fn new(table: Table, gate: Gate, proxy_metrics: bool, runtime_metrics: bool) -> Self {
        let (bodies, turns, ids) = (Bodies::new(), Turns::new(), RequestIds::new());
        Self { table, gate, proxy_metrics, runtime_metrics, bodies, turns, ids }
    }

    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let has_metrics = self.proxy_metrics || self.runtime_metrics;
        let off_course = match destination(&head.method, head.uri.path(), has_metrics) {
            Destination::Call(call) => return self.call(head, call, body).await,
            Destination::WrongMethod => answer::wrong_method(),
            Destination::Nowhere => answer::not_found(),
            Destination::Elsewhere(path) => answer::moved(&path),
            Destination::Malformed => answer::bad_request(),
        };
        self.gate.turns_away(&head).unwrap_or(off_course)
    }

    async fn call(self: Arc<Self>, head: Parts, call: Call, body: Incoming) -> Answer {
        let id = self.ids.next();
        let mut answer = match self.gate.keeps_from(&head, &call) {
            Some(refusal) => refusal,
            None => self.perform(call, body).await.unwrap_or_else(|refusal| refusal.answer()),
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
                let spec = proxies::read_new(&self.bodies.read(body).await?)?;
                self.blocking(move |service| {
                    let _turn = service.turns.wait(&spec.name);
                    proxies::create(&service.table, spec)
                })
                .await
            }
            Call::UpdateProxy(proxy) => {
                let body = self.bodies.read(body).await?;
                self.blocking(move |service| {
                    let _turn = service.turns.wait(&proxy);
                    proxies::update(&service.table, &proxy, &body)
                })
                .await
            }
            Call::Populate => {
                let body = self.bodies.read(body).await?;
                self.blocking(move |service| Ok(populate::populate(&service.table, &service.turns, &body)))
                    .await
            }
            Call::Reset => self.blocking(Self::reset).await,
            Call::DeleteProxy(proxy) => {
                let _turn = self.turns.take(&proxy).await;
                proxies::delete(table, &proxy)
            }
            Call::CreateToxic(proxy) => {
                let body = self.bodies.read(body).await?;
                let _turn = self.turns.take(&proxy).await;
                toxics::create(table, &proxy, &body)
            }
            Call::UpdateToxic(proxy, toxic) => {
                let body = self.bodies.read(body).await?;
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
