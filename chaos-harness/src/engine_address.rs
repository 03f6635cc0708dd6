//! Where the container engine is.

use serde::{Deserialize, Serialize};
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the engine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EngineAddress {
    Unix(PathBuf),
    /// `host:port`, in plain HTTP.
    Tcp(String),
    /// Something that this build cannot talk to.
    Unsupported(String),
}

impl EngineAddress {
    /// `DOCKER_HOST`, else the first socket that exists of those that testcontainers looks for.
    pub(crate) fn from_env() -> Self {
        if let Some(host) = env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty()) {
            return Self::parse(
                &host,
                env::var_os("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty()),
            );
        }
        let system = PathBuf::from("/var/run/docker.sock");
        let under =
            |variable: &str, path: &str| env::var_os(variable).map(|folder| Path::new(&folder).join(path));
        let rootless = [
            under("XDG_RUNTIME_DIR", ".docker/run/docker.sock"),
            under("HOME", ".docker/run/docker.sock"),
            under("HOME", ".docker/desktop/docker.sock"),
        ];
        // A socket in a folder that may not be read is there: the probe will say that permission was denied.
        let exists = |path: &PathBuf| path.try_exists().unwrap_or(true);
        let found = [Some(system.clone())].into_iter().chain(rootless).flatten().find(exists);
        Self::Unix(found.unwrap_or(system))
    }

    fn parse(host: &str, tls: bool) -> Self {
        if let Some(path) = host.strip_prefix("unix://") {
            return Self::Unix(path.into());
        }
        match host.strip_prefix("tcp://").or_else(|| host.strip_prefix("http://")) {
            Some(address) if !tls => Self::Tcp(address.trim_end_matches('/').to_owned()),
            _ => Self::Unsupported(host.to_owned()),
        }
    }
}

impl fmt::Display for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unsupported(host) => f.write_str(host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_docker_reads_them() {
        assert_eq!(
            EngineAddress::parse("unix:///run/d.sock", false),
            EngineAddress::Unix("/run/d.sock".into())
        );
        assert_eq!(
            EngineAddress::parse("tcp://localhost:2375", false),
            EngineAddress::Tcp("localhost:2375".into())
        );
        assert!(matches!(EngineAddress::parse("tcp://localhost:2376", true), EngineAddress::Unsupported(_)));
        assert!(matches!(EngineAddress::parse("ssh://host", false), EngineAddress::Unsupported(_)));
    }
}
