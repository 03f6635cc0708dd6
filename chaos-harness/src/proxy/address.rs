//! Where a route listens, and where it leads: `host:port` as people write it.

use super::error::ListenError;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// The address that `text` means. A host name is looked up, which may block.
///
/// No host, or `0.0.0.0`, means any address of either family. No text at all means any free port of them.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, ListenError> {
    if text.is_empty() {
        return Ok((Ipv6Addr::UNSPECIFIED, 0).into());
    }
    let (host, port) =
        split(text).map_err(|reason| ListenError::Address { text: text.to_owned(), reason })?;
    if host.is_empty() {
        return Ok((Ipv6Addr::UNSPECIFIED, port).into());
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        let any = ip == IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        return Ok((if any { Ipv6Addr::UNSPECIFIED.into() } else { ip }, port).into());
    }
    let lookup = |source| ListenError::Lookup { host: host.to_owned(), source };
    let found: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(lookup)?.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or_else(|| found.first());
    first.copied().ok_or_else(|| lookup(io::Error::from(io::ErrorKind::NotFound)))
}

/// Host and port of `text`; what is wrong with it otherwise.
fn split(text: &str) -> Result<(&str, u16), &'static str> {
    let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or("missing ']' in address")?;
        (host, rest.strip_prefix(':').ok_or("missing port in address")?)
    } else {
        let (host, port) = text.rsplit_once(':').ok_or("missing port in address")?;
        if host.contains(':') {
            return Err("too many colons in address");
        }
        (host, port)
    };
    if port.is_empty() {
        return Ok((host, 0));
    }
    port.parse().map(|port| (host, port)).map_err(|_| "invalid port")
}

/// Where connections are led.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upstream {
    text: String,
    /// Known where the text needs no look-up.
    address: Option<SocketAddr>,
}

impl Upstream {
    pub(super) fn new(text: String) -> Self {
        let address = text.parse().ok();
        Self { text, address }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The addresses to be tried, in order. Looks a host name up, on a thread that may block.
    pub(super) async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        match self.address {
            Some(address) => Ok(vec![address]),
            None => Ok(tokio::net::lookup_host(&self.text).await?.collect()),
        }
    }
}

impl From<SocketAddr> for Upstream {
    fn from(address: SocketAddr) -> Self {
        Self { text: address.to_string(), address: Some(address) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> String {
        listen_address(text).map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    #[test]
    fn addresses_mean_what_toxiproxy_takes_them_for() {
        assert_eq!(told("127.0.0.1:80"), "127.0.0.1:80");
        assert_eq!(told("0.0.0.0:80"), "[::]:80");
        assert_eq!(told(":80"), "[::]:80");
        assert_eq!(told(""), "[::]:0");
        assert_eq!(told("[::1]:80"), "[::1]:80");
        assert_eq!(told("127.0.0.1:"), "127.0.0.1:0");
        assert_eq!(told("localhost:80"), "127.0.0.1:80");
    }

    #[test]
    fn what_is_no_address_is_told_apart() {
        assert_eq!(told("local373"), "address local373: missing port in address");
        assert_eq!(told("::1:80"), "address ::1:80: too many colons in address");
        assert_eq!(told("[::1:80"), "address [::1:80: missing ']' in address");
        assert_eq!(told("127.0.0.1:99999"), "address 127.0.0.1:99999: invalid port");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]:.0-9a-z]{0,20}") {
            let _ = split(&text);
        }
    }
}
