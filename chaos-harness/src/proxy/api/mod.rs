//! The HTTP API of Toxiproxy 2.12, so that its clients drive this proxy without noticing.
//!
//! A request goes `server` → `service` → `router` → `gate`, and then to the call's module: `proxies`, `toxics`, `populate` or
//! `metrics`. What clients depend on to the byte is in one place each: the texts and headers in `answer`, how JSON is
//! read and printed in `json`, types and attributes of toxics in `attributes`.

mod answer;
mod attributes;
mod body;
#[cfg(fuzzing)]
mod fuzzing;
mod gate;
mod host;
mod json;
mod metrics;
mod options;
mod populate;
mod proxies;
mod request_id;
mod router;
mod server;
mod service;
mod specs;
mod token;
mod toxics;
mod turns;

#[cfg(test)]
mod tests;

#[cfg(fuzzing)]
pub use fuzzing::{api as fuzz_api, proxies as fuzz_proxies};
pub use host::{ApiHost, ApiHostError};
pub use json::JsonError;
pub use options::{ApiAccess, ApiOptions};
pub use server::{Api, ApiError};
pub use specs::{ReadRoutesError, read_routes};
pub use token::{ApiToken, ApiTokenError};

/// The version of Toxiproxy whose API this is.
const VERSION: &str = "2.12.0";
