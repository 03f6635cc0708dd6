//! A token for a server over HTTP: in a variable to begin with, and in no argument and no message after that.

use std::fmt;

/// What a server over HTTP is shown.
#[derive(Clone)]
pub(super) struct Token {
    plain: String,
    header: String,
}

/// Why there is no token to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("{0} holds no token: set it to one, as with `env:` in a workflow")]
    Missing(String),
    #[error("a token is only sent over HTTPS, and {0} is reached otherwise: leave --token-env out")]
    Unprotected(String),
}

impl Token {
    pub(super) fn from_env(variable: &str) -> Result<Self, TokenError> {
        let value = std::env::var(variable).ok().map(|value| value.trim().to_owned());
        match value.filter(|value| !value.is_empty() && !value.chars().any(char::is_control)) {
            Some(plain) => {
                // The user's name that GitHub takes any token with.
                let header = base64(format!("x-access-token:{plain}").as_bytes());
                Ok(Self { plain, header })
            }
            None => Err(TokenError::Missing(variable.to_owned())),
        }
    }

    /// The setting of git's that shows it to one server and no other.
    pub(super) fn setting(&self, url: &str) -> Result<(String, String), TokenError> {
        let server = server(url).ok_or_else(|| TokenError::Unprotected(without_user(url)))?;
        Ok((format!("http.{server}/.extraHeader"), format!("AUTHORIZATION: basic {}", self.header)))
    }

    /// What must not be shown of it.
    pub(super) fn secrets(&self) -> [&str; 2] {
        [&self.plain, &self.header]
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

/// The server of a URL that a token may be sent to: `https://github.com`. This very machine is one, too.
fn server(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let host = authority.rsplit('@').next()?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_safe =
        scheme == "https" || scheme == "http" && matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    is_safe.then(|| format!("{scheme}://{host}"))
}

/// A URL without the name and password that may be in it.
pub(super) fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
    let slash = if rest.contains('/') { "/" } else { "" };
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{slash}{path}")
}

/// The name and password of a URL, where there are.
pub(super) fn user_of(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split('/').next()?;
    authority.rsplit_once('@').map(|(user, _)| user)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let is_there = digit <= chunk.len();
            let index = (bits >> (18 - 6 * digit) & 63) as usize;
            text.push(if is_there { DIGITS[index].into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in pairs {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn a_token_goes_to_one_server_and_only_where_nobody_listens() {
        assert_eq!(server("https://u:p@github.com/o/r").as_deref(), Some("https://github.com"));
        assert_eq!(server("http://127.0.0.1:8080/r").as_deref(), Some("http://127.0.0.1:8080"));
        for unsafe_url in
            ["http://github.com/o/r", "ssh://git@github.com/o/r", "git@github.com:o/r", "/srv/r.git"]
        {
            assert_eq!(server(unsafe_url), None, "{unsafe_url}");
        }
    }

    #[test]
    fn users_and_passwords_are_left_out_of_addresses() {
        assert_eq!(without_user("https://u:p@github.com/o/r@x"), "https://github.com/o/r@x");
        assert_eq!(user_of("https://u:p@github.com/o/r@x"), Some("u:p"));
        for plain in ["https://github.com", "/srv/u@x/r.git", "git@github.com:o/r"] {
            assert_eq!((without_user(plain).as_str(), user_of(plain)), (plain, None));
        }
    }
}
