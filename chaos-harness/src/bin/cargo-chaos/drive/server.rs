//! A server's calls, with what may be wrong about each.

use super::address::{Address, segment};
use super::client::Client;
use super::error::DriveError;
use super::wire::{Proxy, Toxic};
use crate::suggest::advice;
use crate::{arguments, token};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    client: Client,
}

impl Server {
    /// The server that the arguments name. Nothing is asked of it yet.
    pub(super) fn new(arguments: &arguments::Server) -> Result<Self, DriveError> {
        let token = token::read(&arguments.token)?;
        Ok(Self { client: Client::new(Address::read(&arguments.server)?, token) })
    }

    pub(super) fn url(&self) -> String {
        self.client.url()
    }

    /// All proxies, by name.
    pub(super) async fn proxies(&self) -> Result<Vec<Proxy>, DriveError> {
        let proxies: BTreeMap<String, Proxy> = self.client.ask(Method::GET, "/proxies", None).await?;
        Ok(proxies.into_values().collect())
    }

    pub(super) async fn proxy(&self, name: &str) -> Result<Proxy, DriveError> {
        let outcome = self.client.ask(Method::GET, &proxy_path(name), None).await;
        self.explain(outcome, name, None).await
    }

    pub(super) async fn create(&self, name: &str, listen: &str, upstream: &str) -> Result<Proxy, DriveError> {
        let body = json!({ "name": name, "listen": listen, "upstream": upstream, "enabled": true });
        let outcome = self.client.ask(Method::POST, "/proxies", Some(body)).await;
        self.explain(outcome, name, None).await
    }

    pub(super) async fn enable(&self, name: &str, enabled: bool) -> Result<Proxy, DriveError> {
        let body = json!({ "enabled": enabled });
        let outcome = self.client.ask(Method::PATCH, &proxy_path(name), Some(body)).await;
        self.explain(outcome, name, None).await
    }

    pub(super) async fn delete(&self, name: &str) -> Result<(), DriveError> {
        let outcome = self.client.call(Method::DELETE, &proxy_path(name), None).await;
        self.explain(outcome, name, None).await.map(drop)
    }

    pub(super) async fn toxic(&self, proxy: &str, name: &str) -> Result<Toxic, DriveError> {
        let outcome = self.client.ask(Method::GET, &toxic_path(proxy, name), None).await;
        self.explain(outcome, proxy, Some(name)).await
    }

    /// Adds a toxic; `name` is what it will be called.
    pub(super) async fn add(&self, proxy: &str, name: &str, toxic: Value) -> Result<Toxic, DriveError> {
        let path = format!("{}/toxics", proxy_path(proxy));
        let outcome = self.client.ask(Method::POST, &path, Some(toxic)).await;
        self.explain(outcome, proxy, Some(name)).await
    }

    pub(super) async fn update(&self, proxy: &str, name: &str, change: Value) -> Result<Toxic, DriveError> {
        let outcome = self.client.ask(Method::PATCH, &toxic_path(proxy, name), Some(change)).await;
        self.explain(outcome, proxy, Some(name)).await
    }

    pub(super) async fn remove(&self, proxy: &str, name: &str) -> Result<(), DriveError> {
        let outcome = self.client.call(Method::DELETE, &toxic_path(proxy, name), None).await;
        self.explain(outcome, proxy, Some(name)).await.map(drop)
    }

    /// Says of a refusal what is there instead. Where asking fails too, the refusal stays as it is.
    async fn explain<T>(
        &self,
        outcome: Result<T, DriveError>,
        proxy: &str,
        toxic: Option<&str>,
    ) -> Result<T, DriveError> {
        let refusal = match outcome {
            Err(DriveError::Refused { url, status, message }) => (url, status, message),
            other => return other,
        };
        let (url, status, message) = refusal;
        let proxy_name = || proxy.to_owned();
        Err(match (status, toxic) {
            (StatusCode::NOT_FOUND, Some(name)) if message == "toxic not found" => {
                let there: Proxy = self.client.ask(Method::GET, &proxy_path(proxy), None).await?;
                let advice = advice(name, there.toxics.iter().map(|toxic| toxic.name.as_str()));
                DriveError::NoSuchToxic { name: name.to_owned(), proxy: proxy_name(), advice }
            }
            (StatusCode::NOT_FOUND, _) if message == "proxy not found" => {
                let there = self.proxies().await?;
                let advice = advice(proxy, there.iter().map(|proxy| proxy.name.as_str()));
                DriveError::NoSuchProxy { name: proxy_name(), url, advice }
            }
            (StatusCode::CONFLICT, Some(name)) => {
                DriveError::ToxicExists { name: name.to_owned(), proxy: proxy_name() }
            }
            (StatusCode::CONFLICT, None) => DriveError::ProxyExists { name: proxy_name(), url },
            _ => DriveError::Refused { url, status, message },
        })
    }
}

fn proxy_path(name: &str) -> String {
    format!("/proxies/{}", segment(name))
}

fn toxic_path(proxy: &str, name: &str) -> String {
    format!("{}/toxics/{}", proxy_path(proxy), segment(name))
}
