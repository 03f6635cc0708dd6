//! Driving a Toxiproxy server that runs beside this process. Knows nothing of experiments.
//!
//! Only with the feature `external-toxiproxy`, but for the deletion of a proxy: what one build has made, every build undoes.
//!
//! `toxiproxy_rust` does what it can: it looks at proxies, switches them on and off, and deletes them. It never looks at
//! the status of an answer, cannot name or remove one toxic, and replaces a proxy of the same name when it makes one: such
//! calls are made here. After each change the server is asked whether it is so.

#[cfg_attr(
    not(feature = "external-toxiproxy"),
    expect(dead_code, reason = "without the feature, proxies are deleted and nothing else")
)]
mod call;
#[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
mod container;
#[cfg(feature = "external-toxiproxy")]
mod server;
#[cfg(feature = "external-toxiproxy")]
mod sockets;
#[cfg(feature = "external-toxiproxy")]
mod source;
#[cfg(feature = "external-toxiproxy")]
mod wire;

pub(crate) use call::{CallError, delete};
#[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
pub(crate) use container::ServerContainer;
#[cfg(feature = "external-toxiproxy")]
pub(crate) use server::{Server, ServerError};
#[cfg(feature = "external-toxiproxy")]
pub(crate) use sockets::{client, connections_at};
#[cfg(feature = "external-toxiproxy")]
pub(crate) use source::Source;
#[cfg(feature = "external-toxiproxy")]
pub(crate) use wire::{Wire, wire};
