//! Driving a server over its HTTP API: this one, or any other Toxiproxy.

mod address;
mod attributes;
mod catalogue;
mod client;
mod error;
mod proxies;
mod server;
mod suggest;
mod table;
mod toxics;
mod wire;

use crate::arguments::{ProxyCommand, Server as Arguments, ToxicCommand};
use serde::Serialize;
use std::io::{self, ErrorKind, Write as _};
use tokio::runtime::{Builder, Runtime};

pub(crate) use catalogue::KINDS_HELP;
pub(crate) use error::DriveError;

/// Carries out a command on proxies.
pub(crate) fn proxy(command: &ProxyCommand) -> Result<(), DriveError> {
    let runtime = runtime()?;
    let said = match command {
        ProxyCommand::List(list) => runtime.block_on(proxies::list(list)),
        ProxyCommand::Inspect(one) => runtime.block_on(proxies::inspect(one)),
        ProxyCommand::Create(create) => runtime.block_on(proxies::create(create)),
        ProxyCommand::Toggle(one) => runtime.block_on(proxies::toggle(one)),
        ProxyCommand::Delete(one) => runtime.block_on(proxies::delete(one)),
    };
    print(&said?)
}

/// Carries out a command on a proxy's toxics.
pub(crate) fn toxic(command: &ToxicCommand) -> Result<(), DriveError> {
    let runtime = runtime()?;
    let said = match command {
        ToxicCommand::List(one) => runtime.block_on(toxics::list(one)),
        ToxicCommand::Add(add) => runtime.block_on(toxics::add(add)),
        ToxicCommand::Update(update) => runtime.block_on(toxics::update(update)),
        ToxicCommand::Remove(remove) => runtime.block_on(toxics::remove(remove)),
    };
    print(&said?)
}

fn runtime() -> Result<Runtime, DriveError> {
    Builder::new_current_thread().enable_all().build().map_err(DriveError::Runtime)
}

/// What a command says: a value for programs, or words.
fn said<T: Serialize>(arguments: &Arguments, value: &T, words: impl FnOnce() -> String) -> String {
    if arguments.json { format!("{:#}\n", serde_json::json!(value)) } else { words() }
}

fn print(text: &str) -> Result<(), DriveError> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Who reads has read enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(DriveError::Output),
    }
}
