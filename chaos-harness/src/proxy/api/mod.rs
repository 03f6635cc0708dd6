//! The HTTP API of Toxiproxy 2.12, so that its clients drive this proxy without noticing.
//!
//! A request goes `server` → `service` → `router`, and then to the call's module: `proxies`, `toxics`, `populate` or
//! `metrics`. What clients depend on to the byte is in one place each: the texts and headers in `answer`, how JSON is
//! read and printed in `json`, types and attributes of toxics in `attributes`.

mod answer;
mod attributes;
#[cfg(fuzzing)]
mod fuzzing;
mod json;
mod metrics;
mod populate;
mod proxies;
mod request_id;
mod router;
mod server;
mod service;
mod specs;
mod toxics;
mod turns;

#[cfg(test)]
mod tests;

#[cfg(fuzzing)]
pub use fuzzing::{api as fuzz_api, proxies as fuzz_proxies};
pub use json::JsonError;
pub use server::{Api, ApiError};
pub use specs::{ReadRoutesError, read_routes};

/// The version of Toxiproxy whose API this is.
const VERSION: &str = "2.12.0";

/// How the API is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiOptions {
    /// Where: `host:port`. Port 0 is a free port.
    pub listen: String,
    /// Whether `/metrics` counts what passes the routes.
    pub proxy_metrics: bool,
    /// Whether `/metrics` shows what the process uses.
    pub runtime_metrics: bool,
}

impl Default for ApiOptions {
    /// Where clients look for Toxiproxy, and without metrics.
    fn default() -> Self {
        Self { listen: "localhost:8474".to_owned(), proxy_metrics: false, runtime_metrics: false }
    }
}
