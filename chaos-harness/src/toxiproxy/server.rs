//! A server, and what is asked of it. Every change is looked at afterwards: a server that answers well and does nothing is
//! an error too.

use super::call::{CallError, LIMIT, call, delete, version};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use tokio::time::timeout;
use toxiproxy_rust::client::Client;
use toxiproxy_rust::proxy::Proxy;

/// A Toxiproxy server beside this process.
pub(crate) struct Server {
    address: SocketAddr,
    client: Client,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.address).finish()
    }
}

/// The server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// By its answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// By what `toxiproxy_rust` says.
    #[error("the Toxiproxy at {server} could not {what}: {text}")]
    Client { server: SocketAddr, what: &'static str, text: String },
    /// It has a proxy of that name, which is someone else's.
    #[error(
        "the Toxiproxy at {server} has a proxy `{name}` already, which this run did not make and does not touch: \
         delete it if nobody needs it"
    )]
    Taken { server: SocketAddr, name: String },
    /// It answered well, and it is not so.
    #[error("the Toxiproxy at {server} said yes, but {what}")]
    NotSo { server: SocketAddr, what: String },
}

impl Server {
    /// The server at this address, once it has said its version and shown that it can be driven.
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self, ServerError> {
        // Not asked by the client, which takes whatever answers for a Toxiproxy.
        let version = version(address).await?;
        // The version is told to everybody, also where the rest is not.
        call(address, Method::GET, "/proxies", None).await?.expect(&[StatusCode::OK])?;
        tracing::info!("Toxiproxy {version} at {address} takes the place of the embedded proxy");
        // Makes a runtime of its own, which must not be done on a thread that serves another one.
        let client = in_background(address, "be driven", move || Ok(Client::new(address))).await?;
        Ok(Self { address, client })
    }

    /// Where its API is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it has a proxy of this name, whoever made it.
    pub(crate) async fn has(&self, proxy: &str) -> Result<bool, ServerError> {
        let answer = call(self.address, Method::GET, &format!("/proxies/{proxy}"), None).await?;
        let is_there = answer.status == StatusCode::OK;
        answer.expect(&[StatusCode::OK, StatusCode::NOT_FOUND])?;
        Ok(is_there)
    }

    /// Makes a proxy at a free port of this address; where it listens. Never replaces one.
    pub(crate) async fn create(
        &self,
        name: &str,
        ip: IpAddr,
        upstream: SocketAddr,
    ) -> Result<SocketAddr, ServerError> {
        let body = json!({
            "name": name, "listen": SocketAddr::new(ip, 0).to_string(), "upstream": upstream.to_string(),
            "enabled": true,
        });
        let answer = call(self.address, Method::POST, "/proxies", Some(&body)).await?;
        if answer.status == StatusCode::CONFLICT {
            return Err(ServerError::Taken { server: self.address, name: name.to_owned() });
        }
        answer.expect(&[StatusCode::CREATED])?;
        let made = self.find(name).await?.proxy_pack;
        let listen =
            made.listen.parse().ok().filter(|_| made.enabled && made.upstream == upstream.to_string());
        listen.ok_or_else(|| {
            self.not_so(format!("made `{name}` listen at {}, for {}", made.listen, made.upstream))
        })
    }

    /// Leads a proxy to another upstream.
    pub(crate) async fn set_upstream(&self, proxy: &str, upstream: SocketAddr) -> Result<(), ServerError> {
        let (path, body) = (format!("/proxies/{proxy}"), json!({"upstream": upstream.to_string()}));
        call(self.address, Method::POST, &path, Some(&body)).await?.expect(&[StatusCode::OK])?;
        let upstream_now = self.find(proxy).await?.proxy_pack.upstream;
        if upstream_now == upstream.to_string() {
            return Ok(());
        }
        Err(self.not_so(format!("leads `{proxy}` to {upstream_now}")))
    }

    /// Switches a proxy on or off. It listens where it did.
    pub(crate) async fn switch(&self, proxy: &str, on: bool) -> Result<(), ServerError> {
        let before = self.find(proxy).await?;
        let listen = before.proxy_pack.listen.clone();
        let name = proxy.to_owned();
        self.ask("switch a proxy", move |client| {
            let proxy = client.find_proxy(&name)?;
            if on { proxy.enable() } else { proxy.disable() }
        })
        .await?;
        let now = self.find(proxy).await?.proxy_pack;
        if now.enabled == on && now.listen == listen {
            return Ok(());
        }
        let state = if now.enabled { "on" } else { "off" };
        Err(self.not_so(format!("`{proxy}` is {state}, at {} instead of {listen}", now.listen)))
    }

    /// Puts a toxic on a proxy. `body` has its name.
    pub(crate) async fn add(&self, proxy: &str, toxic: &str, body: &Value) -> Result<(), ServerError> {
        let path = format!("/proxies/{proxy}/toxics");
        call(self.address, Method::POST, &path, Some(body)).await?.expect(&[StatusCode::OK])?;
        if self.has_toxic(proxy, toxic).await? {
            return Ok(());
        }
        Err(self.not_so(format!("`{proxy}` does not have the toxic `{toxic}`")))
    }

    /// Takes a toxic off a proxy, if it has it.
    pub(crate) async fn remove(&self, proxy: &str, toxic: &str) -> Result<(), ServerError> {
        let path = format!("/proxies/{proxy}/toxics/{toxic}");
        call(self.address, Method::DELETE, &path, None)
            .await?
            .expect(&[StatusCode::NO_CONTENT, StatusCode::NOT_FOUND])?;
        if self.has_toxic(proxy, toxic).await? {
            return Err(self.not_so(format!("`{proxy}` still has the toxic `{toxic}`")));
        }
        Ok(())
    }

    /// Whether a proxy has a toxic of this name.
    pub(crate) async fn has_toxic(&self, proxy: &str, toxic: &str) -> Result<bool, ServerError> {
        let (proxy, toxic) = (proxy.to_owned(), toxic.to_owned());
        let toxics = self.ask("list toxics", move |client| client.find_proxy(&proxy)?.toxics()).await?;
        Ok(toxics.iter().any(|found| found.name == toxic))
    }

    /// Whether a proxy is switched on.
    pub(crate) async fn is_on(&self, proxy: &str) -> Result<bool, ServerError> {
        Ok(self.find(proxy).await?.proxy_pack.enabled)
    }

    /// What a toxic has done, where the server counts it: those of this project do, the original does not.
    pub(crate) async fn counters(&self, proxy: &str, toxic: &str) -> Result<Option<Value>, ServerError> {
        let path = format!("/proxies/{proxy}/counters");
        let answer = call(self.address, Method::GET, &path, None).await?;
        if answer.status != StatusCode::OK {
            return Ok(None);
        }
        let counters = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
        let toxics = counters["toxics"].as_array().into_iter().flatten();
        Ok(toxics.into_iter().find(|found| found["name"] == toxic).cloned())
    }

    /// How many bytes have passed a proxy, as far as the server tells: it may not, and the original counts a connection
    /// only at its end.
    pub(crate) async fn bytes(&self, proxy: &str) -> Option<f64> {
        let answer = call(self.address, Method::GET, "/metrics", None).await.ok()?;
        let text = answer.expect(&[StatusCode::OK]).ok()?;
        Some(bytes_in(&String::from_utf8_lossy(&text), proxy))
    }

    /// Deletes a proxy, if it is there.
    pub(crate) async fn delete(&self, proxy: &str) -> Result<(), ServerError> {
        delete(self.address, proxy).await?;
        match self.has(proxy).await {
            Ok(true) => Err(self.not_so(format!("`{proxy}` is still there"))),
            // The server may have gone meanwhile, and all with it.
            Ok(false) | Err(_) => Ok(()),
        }
    }

    async fn find(&self, proxy: &str) -> Result<Proxy, ServerError> {
        let name = proxy.to_owned();
        self.ask("show a proxy", move |client| client.find_proxy(&name)).await
    }

    /// Asks by `toxiproxy_rust`, which blocks.
    async fn ask<T: Send + 'static>(
        &self,
        what: &'static str,
        ask: impl FnOnce(&Client) -> Result<T, String> + Send + 'static,
    ) -> Result<T, ServerError> {
        let client = self.client.clone();
        in_background(self.address, what, move || ask(&client)).await
    }

    fn not_so(&self, what: String) -> ServerError {
        ServerError::NotSo { server: self.address, what }
    }
}

/// Runs what blocks on a thread for that. One that takes too long is left to itself: the client gives up after a while.
async fn in_background<T: Send + 'static>(
    server: SocketAddr,
    what: &'static str,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, ServerError> {
    match timeout(LIMIT, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(outcome)) => outcome.map_err(|text| ServerError::Client { server, what, text }),
        Ok(Err(ended)) => Err(ServerError::Client { server, what, text: ended.to_string() }),
        Err(_) => Err(CallError::TimedOut { server }.into()),
    }
}

/// The bytes that a proxy received, both ways, by the metrics in Prometheus' form. Its numbers are floats.
fn bytes_in(metrics: &str, proxy: &str) -> f64 {
    let label = format!("proxy=\"{proxy}\"");
    let lines = metrics.lines().filter(|line| line.starts_with("toxiproxy_proxy_received_bytes_total{"));
    let ours = lines.filter(|line| line.contains(&label));
    ours.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::proxy::{
        Api, ApiAccess, ApiOptions, ApiToken, Proxy as Embedded, RouteSpec, Stream, Toxic, ToxicSpec,
    };
    use std::net::Ipv4Addr;
    use std::time::Duration;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A server, with a proxy of someone else.
    fn server() -> (Embedded, Api) {
        let embedded = Embedded::start(Seed::new(1)).unwrap();
        let listen = "127.0.0.1:0".to_owned();
        let api = embedded.serve_api(ApiOptions { listen, ..ApiOptions::default() }).unwrap();
        let theirs = embedded.table().open(RouteSpec::new("theirs", "127.0.0.1:0", "127.0.0.1:1")).unwrap();
        let slow = Toxic::Latency { delay: Duration::from_millis(1), jitter: Duration::ZERO };
        theirs.add(ToxicSpec::new("t", slow, Stream::Upstream)).unwrap();
        (embedded, api)
    }

    #[tokio::test]
    async fn a_proxy_is_made_changed_and_deleted_and_no_other() {
        let (embedded, api) = server();
        let server = Server::connect(api.address()).await.unwrap();
        let upstream = |port| SocketAddr::new(HERE, port);
        let address = server.create("ours", HERE, upstream(2)).await.unwrap();
        let ours = embedded.table().get("ours").unwrap();
        assert_eq!(ours.address(), Some(address));

        server.set_upstream("ours", upstream(3)).await.unwrap();
        assert_eq!(ours.upstream(), "127.0.0.1:3");
        server.switch("ours", false).await.unwrap();
        assert!(!ours.is_enabled() && !server.is_on("ours").await.unwrap());
        server.switch("ours", true).await.unwrap();
        assert_eq!(ours.address(), Some(address), "where it was");

        // Two of one type and direction, which the client alone cannot tell apart.
        for name in ["a", "b"] {
            let body = json!({"name": name, "type": "latency", "attributes": {"latency": 5}});
            server.add("ours", name, &body).await.unwrap();
        }
        server.remove("ours", "a").await.unwrap();
        server.remove("ours", "a").await.expect("it is gone already");
        assert_eq!(ours.toxics().iter().map(|toxic| &*toxic.name).collect::<Vec<_>>(), ["b"]);
        assert_eq!(server.counters("ours", "b").await.unwrap().unwrap()["considered"], 0);

        server.delete("ours").await.unwrap();
        server.delete("ours").await.expect("it is gone already");
        let left = embedded.table().routes();
        assert!(left.len() == 1 && left[0].name() == "theirs" && left[0].toxics().len() == 1);
    }

    #[tokio::test]
    async fn a_proxy_that_is_there_is_not_replaced() {
        let (embedded, api) = server();
        let server = Server::connect(api.address()).await.unwrap();
        assert!(server.has("theirs").await.unwrap() && !server.has("ours").await.unwrap());
        let error = server.create("theirs", HERE, SocketAddr::new(HERE, 2)).await.unwrap_err();
        assert!(matches!(error, ServerError::Taken { .. }), "{error}");
        let theirs = embedded.table().get("theirs").unwrap();
        assert_eq!((&*theirs.upstream(), theirs.toxics().len()), ("127.0.0.1:1", 1));
    }

    #[tokio::test]
    async fn a_refusal_says_the_call_and_the_reason() {
        let (_embedded, api) = server();
        let server = Server::connect(api.address()).await.unwrap();
        let error =
            server.add("theirs", "x", &json!({"name": "x", "type": "fog"})).await.unwrap_err().to_string();
        assert!(error.contains("POST /proxies/theirs/toxics: "), "{error}");
        assert!(error.contains("invalid toxic type"), "{error}");
        // The client takes a refusal for a yes: that nothing has changed is seen afterwards.
        assert!(server.switch("nobody", true).await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_toxiproxy_or_says_nothing_is_not_driven() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let error = Server::connect(silent.local_addr().unwrap()).await.unwrap_err();
        assert!(matches!(error, ServerError::Call(CallError::TimedOut { .. })), "{error}");
        let closed = silent.local_addr().unwrap();
        drop(silent);
        let error = Server::connect(closed).await.unwrap_err();
        assert!(matches!(error, ServerError::Call(CallError::Unreachable(..))), "{error}");
        delete(closed, "ours").await.expect("gone with its server");
    }

    #[tokio::test]
    async fn a_server_that_asks_for_a_token_is_told_at_once() {
        let embedded = Embedded::start(Seed::new(1)).unwrap();
        let listen = "127.0.0.1:0".to_owned();
        let access = ApiAccess::Local { token: Some(ApiToken::new("correct-horse-battery-staple").unwrap()) };
        let api = embedded.serve_api(ApiOptions { listen, access, ..ApiOptions::default() }).unwrap();
        let error = Server::connect(api.address()).await.unwrap_err().to_string();
        assert!(error.contains("asks for a token, which `toxiproxy_rust` cannot send"), "{error}");
    }

    #[test]
    fn the_bytes_of_one_proxy_are_summed_over_both_directions() {
        let metrics = "# TYPE toxiproxy_proxy_received_bytes_total counter\n\
            toxiproxy_proxy_received_bytes_total{direction=\"downstream\",listener=\"l\",proxy=\"a\",upstream=\"u\"} 1.5e+06\n\
            toxiproxy_proxy_received_bytes_total{direction=\"upstream\",listener=\"l\",proxy=\"a\",upstream=\"u\"} 12\n\
            toxiproxy_proxy_received_bytes_total{direction=\"upstream\",listener=\"l\",proxy=\"ab\",upstream=\"u\"} 5\n\
            toxiproxy_proxy_sent_bytes_total{direction=\"upstream\",listener=\"l\",proxy=\"a\",upstream=\"u\"} 7\n";
        assert!((bytes_in(metrics, "a") - 1_500_012.0).abs() < 0.5);
        assert!(bytes_in(metrics, "b") < 0.5);
    }
}
