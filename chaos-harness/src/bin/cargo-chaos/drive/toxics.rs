//! The commands on a proxy's toxics.

use super::attributes;
use super::catalogue::{KINDS, Kind};
use super::error::DriveError;
use super::said;
use super::server::Server;
use super::wire::Toxic;
use crate::arguments::{Add, One, Remove, Update};
use crate::suggest::advice;
use crate::table::Table;
use hyper::StatusCode;
use serde_json::{Value, json};
use std::slice;

pub(super) async fn list(arguments: &One) -> Result<String, DriveError> {
    let proxy = Server::new(&arguments.server)?.proxy(&arguments.proxy).await?;
    Ok(said(&arguments.server, &proxy.toxics, || {
        if proxy.toxics.is_empty() { format!("{} has no toxics\n", proxy.name) } else { table(&proxy.toxics) }
    }))
}

pub(super) async fn add(arguments: &Add) -> Result<String, DriveError> {
    let Add { proxy, kind, server, .. } = arguments;
    let known = Kind::find(kind).ok_or_else(|| DriveError::NoSuchKind {
        kind: kind.clone(),
        advice: advice(kind, KINDS.iter().map(|kind| kind.name)),
    })?;
    attributes::check_toxicity(arguments.toxicity)?;
    let given = attributes::read(&arguments.attributes, Some(known))?;
    attributes::check_all_there(&given, known)?;
    let stream = if arguments.upstream { "upstream" } else { "downstream" };
    let name = arguments.name.clone().unwrap_or_else(|| format!("{kind}_{stream}"));
    let mut body = json!({
        "name": name,
        "type": kind,
        "stream": stream,
        "toxicity": arguments.toxicity.unwrap_or(1.0),
        "attributes": given,
    });
    if let Some(slice) = arguments.slice {
        body["slice"] = slice.into();
    }
    let toxic = Server::new(server)?.add(proxy, &name, body).await.map_err(|error| match error {
        DriveError::Refused { url, status: StatusCode::BAD_REQUEST, message }
            if known.is_ours && message == "invalid toxic type" =>
        {
            DriveError::KindBeyondServer { kind: kind.clone(), url }
        }
        other => other,
    })?;
    Ok(said(server, &toxic, || format!("added to {proxy}:\n{}", table(slice::from_ref(&toxic)))))
}

pub(super) async fn update(arguments: &Update) -> Result<String, DriveError> {
    let Update { proxy, name, server: at, .. } = arguments;
    attributes::check_toxicity(arguments.toxicity)?;
    let server = Server::new(at)?;
    let kind = server.toxic(proxy, name).await?.kind;
    let given = attributes::read(&arguments.attributes, Kind::find(&kind))?;
    let mut body = serde_json::Map::new();
    if !given.is_empty() {
        body.insert("attributes".into(), given.into());
    }
    if let Some(toxicity) = arguments.toxicity {
        body.insert("toxicity".into(), toxicity.into());
    }
    let toxic = server.update(proxy, name, Value::from(body)).await?;
    Ok(said(at, &toxic, || format!("updated in {proxy}:\n{}", table(slice::from_ref(&toxic)))))
}

pub(super) async fn remove(arguments: &Remove) -> Result<String, DriveError> {
    let Remove { proxy, name, server } = arguments;
    Server::new(server)?.remove(proxy, name).await?;
    Ok(said(server, &json!({ "removed": name }), || format!("removed {name} from {proxy}\n")))
}

/// Toxics, one a line.
pub(super) fn table(toxics: &[Toxic]) -> String {
    let is_sliced = toxics.iter().any(|toxic| toxic.slice.is_some());
    let mut head = vec!["NAME", "TYPE", "STREAM", "TOXICITY"];
    if is_sliced {
        head.push("SLICE");
    }
    head.push("ATTRIBUTES");
    let mut table = Table::new(&head);
    for toxic in toxics {
        let Toxic { name, kind, stream, toxicity, .. } = toxic;
        let mut cells = vec![name.clone(), kind.clone(), stream.clone(), toxicity.to_string()];
        if is_sliced {
            cells.push(toxic.slice.map(|slice| format!("{slice} ms")).unwrap_or_default());
        }
        cells.push(toxic.attributes());
        table.row(cells);
    }
    table.text()
}
