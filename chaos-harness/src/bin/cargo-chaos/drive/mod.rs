//! Driving a server over its HTTP API: this one, or any other Toxiproxy.

mod address;
mod attributes;
mod catalogue;
mod client;
mod error;
mod proxies;
mod server;
mod toxics;
mod wire;

use crate::arguments::{ProxyCommand, Server as Arguments, ToxicCommand};
use crate::format::print;
use crate::plain;
use serde::Serialize;
use tokio::runtime::Builder;

pub(crate) use catalogue::KINDS_HELP;
pub(crate) use error::DriveError;

/// Carries out a command on proxies.
pub(crate) fn proxy(command: &ProxyCommand) -> Result<(), DriveError> {
    carry_out(async {
        match command {
            ProxyCommand::List(list) => proxies::list(list).await,
            ProxyCommand::Inspect(one) => proxies::inspect(one).await,
            ProxyCommand::Create(create) => proxies::create(create).await,
            ProxyCommand::Toggle(one) => proxies::toggle(one).await,
            ProxyCommand::Delete(one) => proxies::delete(one).await,
        }
    })
}

/// Carries out a command on a proxy's toxics.
pub(crate) fn toxic(command: &ToxicCommand) -> Result<(), DriveError> {
    carry_out(async {
        match command {
            ToxicCommand::List(one) => toxics::list(one).await,
            ToxicCommand::Add(add) => toxics::add(add).await,
            ToxicCommand::Update(update) => toxics::update(update).await,
            ToxicCommand::Remove(remove) => toxics::remove(remove).await,
        }
    })
}

/// Prints what a command says at its end.
fn carry_out(command: impl Future<Output = Result<String, DriveError>>) -> Result<(), DriveError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(DriveError::Runtime)?;
    print(&runtime.block_on(command)?).map_err(DriveError::Output)
}

/// What a command says: a value for programs, or words.
fn said<T: Serialize>(arguments: &Arguments, value: &T, words: impl FnOnce() -> String) -> String {
    if arguments.json { format!("{:#}\n", serde_json::json!(value)) } else { plain::lines(&words()) }
}
