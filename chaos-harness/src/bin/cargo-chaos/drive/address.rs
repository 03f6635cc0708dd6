//! Where a server is.

use super::error::DriveError;
use hyper::Uri;
use hyper::http::uri::{Authority, Scheme};
use std::fmt::Write as _;

/// The port of an address that names none.
const USUAL_PORT: u16 = 8474;

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// Reads `http://HOST:PORT`, or `HOST:PORT` without the scheme.
    pub(super) fn read(text: &str) -> Result<Self, DriveError> {
        let wrong = |reason| DriveError::Address { text: text.to_owned(), reason };
        let (authority, path) = if text.contains("://") {
            let uri: Uri = text.parse().map_err(|_| wrong("it is no URL"))?;
            if uri.scheme() != Some(&Scheme::HTTP) {
                return Err(wrong("the API is served over http"));
            }
            let path = uri.path().to_owned();
            (uri.authority().cloned().ok_or_else(|| wrong("it names no host"))?, path)
        } else {
            let authority: Authority = text.parse().map_err(|_| wrong("it is no URL"))?;
            (authority, "/".to_owned())
        };
        if path != "/" {
            return Err(wrong("the API is at the root, without a path"));
        }
        let host = authority.host();
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        // `Authority::port` has none for a number that is too great as well.
        let port = match authority.as_str().rsplit_once(host).map(|(_, rest)| rest) {
            None | Some("") => USUAL_PORT,
            Some(port) => {
                let number = port.strip_prefix(':').and_then(|number| number.parse().ok());
                number.ok_or_else(|| wrong("a port is a number up to 65535"))?
            }
        };
        Ok(Self { host: host.to_owned(), port })
    }

    /// As a URL, without a final slash.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.authority())
    }

    /// `HOST:PORT`.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// A name as one segment of a path.
pub(super) fn segment(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        // Writing to a string cannot fail.
        let _ = if is_plain(byte) {
            write!(segment, "{}", char::from(byte))
        } else {
            write!(segment, "%{byte:02X}")
        };
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_with_or_without_scheme_and_port() {
        let read = |text| Address::read(text).unwrap().url();
        assert_eq!(read("http://127.0.0.1:8474"), "http://127.0.0.1:8474");
        assert_eq!(read("http://127.0.0.1:8474/"), "http://127.0.0.1:8474");
        assert_eq!(read("toxics.local:99"), "http://toxics.local:99");
        assert_eq!(read("localhost"), "http://localhost:8474");
        assert_eq!(read("http://[::1]:1"), "http://[::1]:1");
    }

    #[test]
    fn what_is_no_address_is_said_with_its_reason() {
        let reason = |text| Address::read(text).unwrap_err().to_string();
        assert!(reason("https://a:1").contains("served over http;"));
        assert!(reason("http://a:1/api").contains("without a path;"));
        assert!(reason("a b").contains("it is no URL;"));
        assert!(reason("localhost:70000").contains("up to 65535;"));
        assert!(reason("").contains("it is no URL;"));
        assert!(reason(":80").contains("no host;"));
    }

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(segment("shop_redis-1.a~b"), "shop_redis-1.a~b");
        assert_eq!(segment("a/b c?ü"), "a%2Fb%20c%3F%C3%BC");
    }
}
