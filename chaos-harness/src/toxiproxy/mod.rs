//! Driving a Toxiproxy server that runs beside this process. Knows nothing of experiments.
//!
//! `toxiproxy_rust` does what it can: it looks at proxies, switches them on and off, and deletes them. It never looks at
//! the status of an answer, cannot name or remove one toxic, and replaces a proxy of the same name when it makes one: such
//! calls are made here. After each change the server is asked whether it is so.

mod call;
#[cfg(feature = "docker")]
mod container;
mod server;
mod sockets;
mod source;
mod wire;

pub(crate) use call::{CallError, delete};
#[cfg(feature = "docker")]
pub(crate) use container::ServerContainer;
pub(crate) use server::{Server, ServerError};
pub(crate) use sockets::{client, connections_at};
pub(crate) use source::Source;
pub(crate) use wire::{Wire, wire};
