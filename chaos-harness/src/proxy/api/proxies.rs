//! The calls on proxies.

use super::answer::{Answer, Outcome, Refusal, json, no_content};
use super::json::quote;
use super::specs::ProxyFields;
use super::toxics;
use crate::proxy::{Route, RouteChange, RouteSpec, Table};
use hyper::StatusCode;

/// `GET /proxies`
pub(super) fn list(table: &Table) -> Answer {
    let shown: Vec<_> =
        table.routes().iter().map(|route| format!("{}:{}", quote(route.name()), print(route))).collect();
    json(StatusCode::OK, format!("{{{}}}", shown.join(",")))
}

/// `GET /proxies/{proxy}`
pub(super) fn show(table: &Table, name: &str) -> Outcome {
    Ok(json(StatusCode::OK, print(&find(table, name)?)))
}

/// The proxy that a body describes.
pub(super) fn read_new(body: &[u8]) -> Result<RouteSpec, Refusal> {
    let missing = |field| Refusal::new(StatusCode::BAD_REQUEST, format!("missing required field: {field}"));
    ProxyFields::of_body(body)?.spec().map_err(missing)
}

/// `POST /proxies`. May block while a host name is looked up.
pub(super) fn create(table: &Table, spec: RouteSpec) -> Outcome {
    let route = table.open(spec).map_err(Refusal::opening)?;
    Ok(json(StatusCode::CREATED, print(&route)))
}

/// `PATCH /proxies/{proxy}`. May block while a host name is looked up.
pub(super) fn update(table: &Table, name: &str, body: &[u8]) -> Outcome {
    let route = find(table, name)?;
    let ProxyFields { listen, upstream, enabled, .. } = ProxyFields::of_body(body)?;
    route.change(RouteChange { listen, upstream, enabled })?;
    Ok(json(StatusCode::OK, print(&route)))
}

/// `DELETE /proxies/{proxy}`
pub(super) fn delete(table: &Table, name: &str) -> Outcome {
    table.close(name)?;
    Ok(no_content())
}

/// `GET /proxies/{proxy}/counters`
pub(super) fn counters(table: &Table, name: &str) -> Outcome {
    serialized(&find(table, name)?.counters())
}

/// `GET /proxies/{proxy}/trace`
pub(super) fn trace(table: &Table, name: &str) -> Outcome {
    serialized(&find(table, name)?.trace())
}

fn serialized(value: &impl serde::Serialize) -> Outcome {
    let body = serde_json::to_vec(value).map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(json(StatusCode::OK, body))
}

/// Enables the route and takes off its toxics.
pub(super) fn reset(route: &Route) -> Result<(), Refusal> {
    route.change(RouteChange { enabled: Some(true), ..RouteChange::default() })?;
    take_off_toxics(route)
}

/// Takes off the toxics of `route`, whoever else does so at the same time.
pub(super) fn take_off_toxics(route: &Route) -> Result<(), Refusal> {
    for toxic in route.toxics() {
        match route.remove(&toxic.name).map_err(Refusal::from) {
            Err(refusal) if refusal != Refusal::no_toxic() => return Err(refusal),
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn find(table: &Table, name: &str) -> Result<Route, Refusal> {
    table.get(name).ok_or_else(Refusal::no_proxy)
}

/// A proxy as the original prints it, down to its empty logger.
pub(super) fn print(route: &Route) -> String {
    format!(
        "{{\"name\":{},\"listen\":{},\"upstream\":{},\"enabled\":{},\"Logger\":{{}},\"toxics\":{}}}",
        quote(route.name()),
        quote(&route.listen()),
        quote(&route.upstream()),
        route.is_enabled(),
        toxics::print_all(route),
    )
}
