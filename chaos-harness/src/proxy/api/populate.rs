//! `POST /populate`: the proxies of a list, made or replaced.

use super::answer::{Answer, Refusal, json};
use super::proxies::{print, take_off_toxics};
use super::read_routes;
use super::turns::Turns;
use crate::proxy::address::listen_address;
use crate::proxy::{Route, RouteChange, RouteSpec, Table};
use hyper::StatusCode;

/// Makes the proxies of the list in `body`, in order, up to the first that fails. Those made before stay. May block
/// while a host name is looked up.
pub(super) fn populate(table: &Table, turns: &Turns, body: &[u8]) -> Answer {
    let bad = |error| failed(&Refusal::new(StatusCode::BAD_REQUEST, format!("{error}")), &[]);
    let specs = match read_routes(body) {
        Ok(specs) => specs,
        Err(error) => return bad(error),
    };
    let mut made = Vec::new();
    for spec in specs {
        let _turn = turns.wait(&spec.name);
        match put(table, spec) {
            Ok(route) => made.push(route),
            Err(refusal) => return failed(&refusal, &made),
        }
    }
    json(StatusCode::CREATED, format!("{{\"proxies\":{}}}", print_all(&made)))
}

fn failed(refusal: &Refusal, made: &[Route]) -> Answer {
    json(refusal.status, format!("{{{},\"proxies\":{}}}", refusal.fields(), print_all(made)))
}

/// An empty list is printed as `null`.
fn print_all(routes: &[Route]) -> String {
    if routes.is_empty() {
        return "null".to_owned();
    }
    let shown: Vec<_> = routes.iter().map(print).collect();
    format!("[{}]", shown.join(","))
}

/// Makes sure that there is a proxy as `spec` says. One that listens there and leads there already is left alone.
fn put(table: &Table, spec: RouteSpec) -> Result<Route, Refusal> {
    let Some(route) = table.get(&spec.name) else {
        return table.open(spec).map_err(Refusal::opening);
    };
    if route.upstream() == spec.upstream && listens_at(&route, &spec.listen)? {
        return Ok(route);
    }
    let RouteSpec { listen, upstream, enabled, .. } = spec;
    route.change(RouteChange { listen: Some(listen), upstream: Some(upstream), enabled: Some(enabled) })?;
    take_off_toxics(&route)?;
    Ok(route)
}

/// Whether `listen` means where `route` listens, or would.
fn listens_at(route: &Route, listen: &str) -> Result<bool, Refusal> {
    let known = route.listen();
    if known == listen {
        return Ok(true);
    }
    let address = listen_address(listen).map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(known == address.to_string())
}
