//! The hosts that a request may name, and those that an address is looked for under.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A host as a caller names it: a name or an address, without scheme and port.
///
/// ```
/// use chaos_harness::proxy::ApiHost;
/// let host: ApiHost = "Toxiproxy.test".parse()?;
/// assert_eq!(host.to_string(), "toxiproxy.test");
/// assert!("http://toxiproxy.test:8474".parse::<ApiHost>().is_err());
/// # Ok::<(), chaos_harness::proxy::ApiHostError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiHost(Host);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    /// In lower case.
    Name(String),
}

/// Why a text is no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host: write a name or an address alone, as in toxiproxy.test or 192.0.2.7")]
pub struct ApiHostError(String);

impl FromStr for ApiHost {
    type Err = ApiHostError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self(Host::Address(address.to_canonical())));
        }
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if text.is_empty() || text.len() > 253 || !text.bytes().all(is_letter) {
            return Err(ApiHostError(text.to_owned()));
        }
        Ok(Self(Host::Name(text.to_ascii_lowercase())))
    }
}

impl fmt::Display for ApiHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Host::Address(address) => address.fmt(f),
            Host::Name(name) => f.write_str(name),
        }
    }
}

/// The hosts under which an API answers.
///
/// A page whose host's name is made to lead to this machine is the same origin to a browser: all it cannot do is to send
/// another `Host` than its own name.
#[derive(Debug)]
pub(super) struct Hosts {
    address: IpAddr,
    named: Vec<ApiHost>,
}

impl Hosts {
    /// Those of an API that listens at `address`, which was asked for as `listen`, and is also called `named`.
    pub(super) fn new(address: IpAddr, listen: &str, mut named: Vec<ApiHost>) -> Self {
        named.extend(host_of(listen));
        Self { address: address.to_canonical(), named }
    }

    /// Whether a request may name this authority, whatever its port: a tunnel has another.
    pub(super) fn has(&self, authority: &str) -> bool {
        let Some(host) = host_of(authority) else { return false };
        self.named.contains(&host)
            || match host.0 {
                Host::Name(name) => name == "localhost",
                // Where any address is listened on, each is its own: no name leads there unseen.
                Host::Address(address) => {
                    address.is_loopback() || address == self.address || self.address.is_unspecified()
                }
            }
    }
}

/// The host of `HOST` or `HOST:PORT`.
fn host_of(authority: &str) -> Option<ApiHost> {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let host = match authority.rsplit_once(':') {
        // The last part of an address of version 6 is none.
        Some((host, port)) if !port.ends_with(']') => is_port(port).then_some(host)?,
        _ => authority,
    };
    // Without brackets, where a host ends and a port begins is anybody's guess.
    if host.contains(':') && !host.starts_with('[') {
        return None;
    }
    host.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(address: &str, listen: &str, named: &[&str]) -> Hosts {
        let named = named.iter().map(|name| name.parse().unwrap()).collect();
        Hosts::new(address.parse().unwrap(), listen, named)
    }

    #[test]
    fn this_machine_is_known_by_its_own_names() {
        let hosts = at("127.0.0.1", "localhost:0", &[]);
        for own in [
            "localhost",
            "LocalHost:1",
            "127.0.0.1:8474",
            "127.9.9.9",
            "[::1]:80",
            "[::1]",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(hosts.has(own), "{own}");
        }
        for strange in [
            "evil.test",
            "evil.test:8474",
            "localhost.evil.test",
            "127.0.0.1.evil.test",
            "192.0.2.7:8474",
            "0.0.0.0",
            "",
            ":8474",
            "user@localhost",
            "localhost/",
            "localhost:80:80",
            "::1",
            "[::1",
            "localhost:x",
        ] {
            assert!(!hosts.has(strange), "{strange}");
        }
    }

    #[test]
    fn the_address_listened_on_is_known_and_where_it_is_any_each_is() {
        let one = at("192.0.2.7", "192.0.2.7:8474", &[]);
        assert!(one.has("192.0.2.7:1") && !one.has("192.0.2.8:1"));
        for any in ["0.0.0.0", "::"] {
            let any = at(any, "0.0.0.0:8474", &[]);
            assert!(any.has("192.0.2.8") && any.has("[2001:db8::1]:1") && !any.has("evil.test"));
        }
    }

    #[test]
    fn a_name_is_known_once_it_is_given() {
        let hosts = at("0.0.0.0", "toxics.test:8474", &["Toxiproxy", "192.0.2.9"]);
        assert!(hosts.has("toxiproxy:8474") && hosts.has("TOXICS.test") && !hosts.has("oxics.test"));
        let local = at("127.0.0.1", "localhost:0", &["192.0.2.9"]);
        assert!(local.has("192.0.2.9:1") && !local.has("192.0.2.8:1"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for wrong in ["", "http://a", "a:1", "a/b", "*", "a b", "[::1", "\u{fc}"] {
            let error = wrong.parse::<ApiHost>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{wrong}` is no host")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_but_an_own_name_passes(text in "\\PC{0,40}") {
            let hosts = at("127.0.0.1", "localhost:0", &[]);
            if hosts.has(&text) {
                let text = text.to_ascii_lowercase();
                prop_assert!(text.starts_with("localhost") || text.starts_with("127.") || text.starts_with('['));
            }
        }
    }
}
