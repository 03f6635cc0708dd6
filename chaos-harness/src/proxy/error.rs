//! What can go wrong with the proxy itself. What goes wrong on a connection is the peers' to see.

use std::io;
use std::net::SocketAddr;

/// Why the proxy could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The threads could not be started.
    #[error("cannot start the proxy's threads")]
    Threads(#[source] io::Error),
    /// A route cannot listen where it should.
    #[error("route `{route}`: {source}")]
    Listen {
        /// The route.
        route: String,
        /// Why not.
        source: ListenError,
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
    /// No route of that name.
    #[error("there is no route `{0}`")]
    NoSuchRoute(String),
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
        reason: String,
    },
    /// The proxy has been dropped, or the route closed.
    #[error("route `{0}` has shut down")]
    Stopped(String),
}

/// Why nothing can listen at an address. Worded as Toxiproxy's answers are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Not an address.
    #[error("address {text}: {reason}")]
    Address {
        /// What was given.
        text: String,
        /// What it lacks.
        reason: &'static str,
    },
    /// A host that cannot be found.
    #[error("lookup {host}: {source}")]
    Lookup {
        /// The host.
        host: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The system refuses: the port is taken, the address is not this machine's, and so on.
    #[error("listen tcp {address}: bind: {}", spelled(source))]
    Bind {
        /// The address.
        address: String,
        /// The system's answer.
        source: io::Error,
    },
}

/// The system's words alone, as Go prints them: in lower case, without the number.
fn spelled(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
