//! What can go wrong with the proxy itself. What goes wrong on a connection is the peers' to see.

use std::io;
use std::net::SocketAddr;

/// Why the proxy could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ProxyError {
    /// The threads could not be started.
    #[error("cannot start the proxy's threads")]
    Threads(#[source] io::Error),
    /// No port for a new route.
    #[error("route `{route}`: cannot listen on a free port of 127.0.0.1")]
    Listen {
        /// The route.
        route: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The port of a route that was down could not be taken again.
    #[error("route `{route}`: cannot listen on {address} again, so it stays down; free the port and retry")]
    Relisten {
        /// The route.
        route: String,
        /// Where it listened before.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// Two routes of one name.
    #[error("route `{0}` already exists")]
    RouteExists(String),
    /// Two toxics of one name.
    #[error("route `{route}` already has a toxic `{toxic}`")]
    ToxicExists {
        /// The route.
        route: String,
        /// The toxic.
        toxic: String,
    },
    /// No toxic of that name.
    #[error("route `{route}` has no toxic `{toxic}`")]
    NoSuchToxic {
        /// The route.
        route: String,
        /// The toxic.
        toxic: String,
    },
    /// A toxic that means nothing.
    #[error("toxic `{toxic}`: {reason}")]
    InvalidToxic {
        /// The toxic.
        toxic: String,
        /// What is wrong, and what would be right.
        reason: &'static str,
    },
    /// The proxy has been dropped.
    #[error("route `{0}`: its proxy has shut down")]
    Stopped(String),
}
