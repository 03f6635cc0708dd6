//! Which server: `CHAOS_TOXIPROXY`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

/// The port of a Toxiproxy server that was not told another.
const USUAL_PORT: u16 = 8474;

/// The image of a server, unless `CHAOS_TOXIPROXY_IMAGE` names another.
#[cfg(feature = "docker")]
const IMAGE: &str = "ghcr.io/shopify/toxiproxy:2.12.0";

/// The server that takes the place of the embedded proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// One that is already running on this machine.
    Running(SocketAddr),
    /// One in a container of its own, made of this image and started for the trial.
    #[cfg(feature = "docker")]
    Container { image: String },
}

impl Source {
    /// What may be written.
    #[cfg(feature = "docker")]
    pub(crate) const RIGHT: &str =
        "container, or the address of a server on this machine, as http://127.0.0.1:8474";
    /// What may be written.
    #[cfg(not(feature = "docker"))]
    pub(crate) const RIGHT: &str = "the address of a server on this machine, as http://127.0.0.1:8474";

    /// The same with another image, where it is one.
    #[cfg(feature = "docker")]
    #[must_use]
    pub(crate) fn with_image(self, named: Option<String>, prefix: &str) -> Self {
        match self {
            Self::Container { image } => {
                Self::Container { image: named.unwrap_or_else(|| format!("{prefix}{image}")) }
            }
            Self::Running(_) => self,
        }
    }

    /// Its image, where it is a container's.
    #[cfg(feature = "docker")]
    pub(crate) fn image(&self) -> Option<String> {
        match self {
            Self::Container { image } => Some(image.clone()),
            Self::Running(_) => None,
        }
    }

    /// Reads it as it is written. The server must be on this machine: it has to reach services at 127.0.0.1, and to be
    /// reached there.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        #[cfg(feature = "docker")]
        if text == "container" {
            return Some(Self::Container { image: IMAGE.to_owned() });
        }
        let authority = text.strip_prefix("http://")?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let address = match authority.strip_prefix("localhost") {
            Some("") => local(USUAL_PORT),
            Some(port) => local(port.strip_prefix(':')?.parse().ok()?),
            None => match authority.parse() {
                Ok(address) => address,
                Err(_) => SocketAddr::new(authority.trim_matches(['[', ']']).parse().ok()?, USUAL_PORT),
            },
        };
        (address.ip().is_loopback() && address.port() != 0).then_some(Self::Running(address))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(address) => write!(f, "http://{address}"),
            #[cfg(feature = "docker")]
            Self::Container { .. } => f.write_str("container"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_on_this_machine_is_taken() {
        let running = |text: &str| match Source::parse(text) {
            Some(Source::Running(address)) => Some(address.to_string()),
            _ => None,
        };
        assert_eq!(running("http://127.0.0.1:9000").as_deref(), Some("127.0.0.1:9000"));
        assert_eq!(running("http://localhost:9000/").as_deref(), Some("127.0.0.1:9000"));
        assert_eq!(running("http://localhost").as_deref(), Some("127.0.0.1:8474"));
        assert_eq!(running("http://[::1]:9000").as_deref(), Some("[::1]:9000"));
        assert_eq!(running("http://[::1]").as_deref(), Some("[::1]:8474"));
        for wrong in [
            "127.0.0.1:8474",
            "https://127.0.0.1:8474",
            "http://192.0.2.1:8474",
            "http://localhostile:1",
            "http://127.0.0.1:0",
            "http://127.0.0.1:8474/proxies",
            "docker",
        ] {
            assert_eq!(Source::parse(wrong), None, "{wrong}");
        }
    }

    #[cfg(feature = "docker")]
    #[test]
    fn an_image_that_is_named_takes_no_prefix() {
        let image = |named: Option<&str>| match Source::parse("container")
            .map(|source| source.with_image(named.map(str::to_owned), "mirror/"))
        {
            Some(Source::Container { image }) => image,
            other => panic!("{other:?}"),
        };
        assert_eq!(image(None), "mirror/ghcr.io/shopify/toxiproxy:2.12.0");
        assert_eq!(image(Some("own:1")), "own:1");
    }

    #[test]
    fn it_reads_back_as_it_is_shown() {
        for text in ["http://127.0.0.1:9000", "http://[::1]:9000", "container"] {
            let Some(source) = Source::parse(text) else { continue };
            assert_eq!(source.to_string(), text);
        }
    }
}
