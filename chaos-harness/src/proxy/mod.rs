//! The embedded fault-injecting proxy: a Toxiproxy, in process or, with the feature `toxiproxy-api`, over its HTTP API. Knows nothing
//! of experiments.
//!
//! A [`Proxy`] has threads of its own and serves [`Route`]s (Toxiproxy calls them proxies). A route has an address, an
//! upstream, and [`Toxic`]s, which can be added, updated and removed while connections live. Each connection is one task
//! with two links, one for each direction:
//!
//! ```text
//!   client ─► Link: read ─► shape ─► shape ─► … ─► exit ─► write ─► service     (and the same the other way)
//!                           └ one for each toxic that touches the connection ┘
//! ```
//!
//! # When a change is in force
//!
//! A change never waits for a peer. It is made on each connection by the caller, unless the connection is in the middle of
//! moving data just then: after half a millisecond in all, the rest is left to the connections, which make it before
//! anything else.
//!
//! # Bounds
//!
//! A connection that no toxic touches holds at most 64 KiB and, while it moves bulk data on Linux, one pipe of 1 MiB in
//! each direction. A toxic that holds bytes back holds at most 96 KiB before the sender is held back (`bandwidth` up to
//! 10 ms of its rate, at most 4 MiB). What is delayed is in flight: at most 40 MiB for each direction of a connection, and
//! 256 MiB for all of a proxy's connections, beyond which each may go on with 128 KiB. Once all but the last 16 file
//! descriptors that the process may have are in use (or an eighth of them, where that is less), a new connection is reset,
//! and the rest goes on.
//!
//! # Chance
//!
//! Which connections a toxic touches is drawn from the proxy's seed, systematically: of any `n` connections in a row, a
//! share `s` touches `n × s`, true to within one. With [`ToxicSpec::slice`] the same holds for stretches of each
//! connection's time. [`Route::trace`] has the decisions, [`Route::counters`] what came of them.

mod active;
mod address;
#[cfg(feature = "toxiproxy-api")]
mod api;
mod budget;
mod chunk;
mod connection;
mod counters;
mod descriptors;
mod dial;
mod error;
mod link;
mod listener;
mod lock;
mod met;
mod pieces;
#[cfg_attr(not(target_os = "linux"), path = "no_pipe.rs")]
mod pipe;
mod request;
mod route;
mod sampling;
mod seats;
mod server;
mod shared;
mod sliced;
mod spec;
mod state;
mod timer;
mod toxic;
mod toxics;
mod trace;
mod trouble;

#[cfg(test)]
mod tests;

#[cfg(feature = "toxiproxy-api")]
pub use api::{
    Api, ApiAccess, ApiError, ApiHost, ApiHostError, ApiOptions, ApiToken, ApiTokenError, JsonError,
    ReadRoutesError, read_routes,
};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use api::{fuzz_api, fuzz_proxies};
pub use counters::{RouteCounters, ToxicCounters};
pub use error::{ListenError, ProxyError};
pub use route::Route;
pub use server::{Proxy, Table};
pub use spec::{RouteChange, RouteSpec, ToxicSpec, Toxicity};
pub use toxic::{Stream, Toxic};
pub use trace::{Decision, Trace};
