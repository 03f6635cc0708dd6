//! The embedded fault-injecting proxy. Knows nothing of experiments.
//!
//! A proxy has threads of its own and serves routes. A route has a local address, an upstream, and toxics. Each
//! connection is one task with two links, one for each direction:
//!
//! ```text
//!   client ─► Link: read ─► shape ─► shape ─► … ─► exit ─► write ─► service     (and the same the other way)
//!                           └ one for each toxic that touches the connection ┘
//! ```
//!
//! A connection's state is behind a lock that is only ever held for work that does not block. Adding or removing a
//! toxic goes through that lock and edits the links itself: it is in force when the call returns, and does not depend on
//! what the connection, its peers or its task are waiting for.

mod active;
mod chunk;
mod connection;
mod counters;
mod error;
mod link;
mod listener;
mod lock;
mod route;
mod sampling;
mod server;
mod timer;
mod toxic;
mod toxics;

#[cfg(test)]
mod tests;

pub(crate) use counters::ToxicCounters;
pub(crate) use route::{Route, ToxicSpec};
pub(crate) use server::Proxy;
pub use toxic::{Stream, Toxic};
