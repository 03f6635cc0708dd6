//! What the HTTP API says, as far as it is shown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Proxy {
    pub(super) name: String,
    pub(super) listen: String,
    pub(super) upstream: String,
    pub(super) enabled: bool,
    #[serde(default)]
    pub(super) toxics: Vec<Toxic>,
}

/// A toxic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Toxic {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) stream: String,
    pub(super) toxicity: f64,
    pub(super) attributes: Map<String, Value>,
    /// Milliseconds. Beyond Toxiproxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) slice: Option<u64>,
}

impl Toxic {
    /// The attributes as they are written on the command line.
    pub(super) fn attributes(&self) -> String {
        self.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }
}

/// An error's body.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) error: String,
}
