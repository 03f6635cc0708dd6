//! The commands on proxies.

use super::error::DriveError;
use super::said;
use super::server::Server;
use super::toxics;
use super::wire::Proxy;
use crate::arguments::{Create, List, One};
use crate::table::Table;
use serde_json::json;

pub(super) async fn list(arguments: &List) -> Result<String, DriveError> {
    let server = Server::new(&arguments.server)?;
    let proxies = server.proxies().await?;
    Ok(said(&arguments.server, &proxies, || {
        if proxies.is_empty() {
            return format!("no proxies at {}\n", server.url());
        }
        let mut table = Table::new(&["NAME", "LISTEN", "UPSTREAM", "STATE", "TOXICS"]);
        for proxy in &proxies {
            let state = state(proxy).to_owned();
            let toxics = proxy.toxics.len().to_string();
            table.row([proxy.name.clone(), proxy.listen.clone(), proxy.upstream.clone(), state, toxics]);
        }
        table.text()
    }))
}

pub(super) async fn inspect(arguments: &One) -> Result<String, DriveError> {
    let proxy = Server::new(&arguments.server)?.proxy(&arguments.proxy).await?;
    Ok(said(&arguments.server, &proxy, || {
        let Proxy { name, listen, upstream, toxics, .. } = &proxy;
        let head = format!("{name}: {listen} -> {upstream}, {}\n", state(&proxy));
        if toxics.is_empty() { head + "no toxics\n" } else { head + "\n" + &toxics::table(toxics) }
    }))
}

pub(super) async fn create(arguments: &Create) -> Result<String, DriveError> {
    let Create { proxy: name, listen, upstream, server } = arguments;
    let proxy = Server::new(server)?.create(name, listen, upstream).await?;
    Ok(said(server, &proxy, || format!("created {name}: {} -> {}\n", proxy.listen, proxy.upstream)))
}

pub(super) async fn toggle(arguments: &One) -> Result<String, DriveError> {
    let server = Server::new(&arguments.server)?;
    let was = server.proxy(&arguments.proxy).await?;
    let proxy = server.enable(&arguments.proxy, !was.enabled).await?;
    Ok(said(&arguments.server, &proxy, || format!("{} is {} now\n", proxy.name, state(&proxy))))
}

pub(super) async fn delete(arguments: &One) -> Result<String, DriveError> {
    let name = &arguments.proxy;
    Server::new(&arguments.server)?.delete(name).await?;
    Ok(said(&arguments.server, &json!({ "deleted": name }), || format!("deleted {name}\n")))
}

fn state(proxy: &Proxy) -> &'static str {
    if proxy.enabled { "enabled" } else { "disabled" }
}
