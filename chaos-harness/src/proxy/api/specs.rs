//! Reads the routes of a populate request or a configuration file: a JSON array of proxies.

use super::json::{JsonError, Place, Raw, names};
use crate::proxy::RouteSpec;

/// How the original calls a list of proxies, one of them, and their fields.
const LIST: &str = "[]struct { toxiproxy.Proxy; Enabled *bool \"json:\\\"enabled\\\"\" }";
const ELEMENT: &str = "struct { toxiproxy.Proxy; Enabled *bool \"json:\\\"enabled\\\"\" }";

/// As many as there are ports at an address.
const MOST: usize = 65_535;

/// Why a list of proxies was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadRoutesError {
    /// Not a JSON array of proxies.
    #[error("bad request body: {0}")]
    Json(#[from] JsonError),
    /// A proxy without a name, or without an upstream.
    #[error("missing required field: {field} at proxy {number}")]
    Missing {
        /// The field.
        field: &'static str,
        /// Which proxy of the list; the first is 1.
        number: usize,
    },
    /// More proxies than could listen.
    #[error("bad request body: more than {MOST} proxies")]
    TooMany,
}

/// Reads the JSON array of proxies that Toxiproxy's `-config` and `POST /populate` take.
///
/// ```
/// use chaos_harness::proxy::read_routes;
/// let routes = read_routes(br#"[{"name": "redis", "listen": "127.0.0.1:0", "upstream": "redis:6379"}]"#)?;
/// assert_eq!(routes[0].upstream, "redis:6379");
/// assert!(routes[0].enabled);
/// # Ok::<(), chaos_harness::proxy::ReadRoutesError>(())
/// ```
///
/// # Errors
/// It is no such array, or a proxy in it has no name or no upstream, or there are more than 65,535.
pub fn read_routes(json: &[u8]) -> Result<Vec<RouteSpec>, ReadRoutesError> {
    let Some(elements) = Raw::first(json)?.array(Place::BODY, LIST)? else { return Ok(Vec::new()) };
    let fields = elements.take(MOST + 1).map(ProxyFields::of_element).collect::<Result<Vec<_>, _>>()?;
    if fields.len() > MOST {
        return Err(ReadRoutesError::TooMany);
    }
    let specs = fields.into_iter().enumerate().map(|(at, fields)| {
        fields.spec().map_err(|field| ReadRoutesError::Missing { field, number: at + 1 })
    });
    specs.collect()
}

/// The fields of a proxy that a body names.
#[derive(Debug, Default)]
pub(super) struct ProxyFields {
    pub(super) name: Option<String>,
    pub(super) listen: Option<String>,
    pub(super) upstream: Option<String>,
    pub(super) enabled: Option<bool>,
}

impl ProxyFields {
    /// The fields of a proxy that is the whole body.
    pub(super) fn of_body(body: &[u8]) -> Result<Self, JsonError> {
        Self::read(Raw::first(body)?, "toxiproxy.Proxy", "Proxy")
    }

    /// The fields of a proxy in a list.
    fn of_element(element: Raw<'_>) -> Result<Self, JsonError> {
        Self::read(element, ELEMENT, "")
    }

    /// The fields that `object` names. The original has two names for its type: as itself, and as its fields' holder.
    fn read(object: Raw<'_>, wanted: &'static str, holder: &'static str) -> Result<Self, JsonError> {
        let mut fields = Self::default();
        let Some(members) = object.object(Place::BODY, wanted)? else { return Ok(fields) };
        for (key, value) in members {
            let place = |name| Place::field(holder, name);
            if names(&key, "name") {
                fields.name = value.string(place("name"))?.or(fields.name.take());
            } else if names(&key, "listen") {
                fields.listen = value.string(place("listen"))?.or(fields.listen.take());
            } else if names(&key, "upstream") {
                fields.upstream = value.string(place("upstream"))?.or(fields.upstream.take());
            } else if names(&key, "enabled") {
                fields.enabled = value.boolean(place("enabled"))?.or(fields.enabled);
            } else if names(&key, "logger") {
                // The original prints it, so that clients send it back.
                let _ = value.object(place("Logger"), "zerolog.Logger")?;
            }
        }
        Ok(fields)
    }

    /// The route that is asked for, or the field without which there is none.
    pub(super) fn spec(self) -> Result<RouteSpec, &'static str> {
        let filled = |field: Option<String>| field.filter(|text| !text.is_empty());
        Ok(RouteSpec {
            name: filled(self.name).ok_or("name")?,
            upstream: filled(self.upstream).ok_or("upstream")?,
            listen: self.listen.unwrap_or_default(),
            enabled: self.enabled.unwrap_or(true),
        })
    }
}
