//! The word without which the API is not used.

use std::fmt;
use std::hint::black_box;

/// Fewer can be guessed by trying.
const SHORTEST: usize = 16;
/// A header with more is refused for its length somewhere on the way.
const LONGEST: usize = 1024;

/// A secret that callers of the API show, in a header `Authorization: Bearer …`.
///
/// It is shown by nothing that prints, and compared in a time that says nothing of it. It travels as it is: between
/// machines, over a network that others read, it needs a tunnel.
///
/// ```
/// use chaos_harness::proxy::ApiToken;
/// let token = ApiToken::new("9f8c2d7b41e05a63")?;
/// assert_eq!(format!("{token:?}"), "[redacted]");
/// assert_eq!(token.authorization(), "Bearer 9f8c2d7b41e05a63");
/// # Ok::<(), chaos_harness::proxy::ApiTokenError>(())
/// ```
#[derive(Clone)]
pub struct ApiToken {
    text: String,
}

/// Why a text cannot be a token. The text itself is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiTokenError {
    /// Too short or too long.
    #[error(
        "a token has {SHORTEST} to {LONGEST} characters, not {length}: `openssl rand -hex 32` makes a good one"
    )]
    Length {
        /// How many bytes it has.
        length: usize,
    },
    /// A character that a header cannot carry as part of a token.
    #[error(
        "a token has letters, digits and -._~+/= only, as its character {position} is not: \
         `openssl rand -hex 32` makes a good one"
    )]
    Character {
        /// Where; the first is 1.
        position: usize,
    },
}

impl ApiToken {
    /// Takes `text` for the token.
    ///
    /// # Errors
    /// It has fewer than 16 or more than 1024 characters, or others than letters, digits and `-._~+/=`.
    pub fn new(text: impl Into<String>) -> Result<Self, ApiTokenError> {
        let text = text.into();
        let is_wrong = |byte: u8| !byte.is_ascii_alphanumeric() && !b"-._~+/=".contains(&byte);
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(ApiTokenError::Length { length: text.len() });
        }
        match text.bytes().position(is_wrong) {
            Some(at) => Err(ApiTokenError::Character { position: at + 1 }),
            None => Ok(Self { text }),
        }
    }

    /// What a caller's header `Authorization` holds: as secret as the token.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.text)
    }

    /// Whether the value of a header `Authorization` shows this token.
    pub(super) fn is_shown_by(&self, authorization: &[u8]) -> bool {
        let Some((scheme, shown)) = authorization.split_at_checked(b"Bearer ".len()) else { return false };
        scheme.eq_ignore_ascii_case(b"Bearer ") && self.is(shown.trim_ascii())
    }

    /// Takes as long for any `shown` of a length, however much of it is right.
    fn is(&self, shown: &[u8]) -> bool {
        let mut difference = u8::from(shown.len() != self.text.len());
        for (shown, right) in shown.iter().zip(self.text.bytes().cycle()) {
            difference = black_box(difference | (shown ^ right));
        }
        difference == 0
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl PartialEq for ApiToken {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.text.as_bytes())
    }
}

impl Eq for ApiToken {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RIGHT: &str = "0123456789abcdef";

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token = ApiToken::new(RIGHT).unwrap();
        for right in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef", "Bearer  0123456789abcdef "] {
            assert!(token.is_shown_by(right.as_bytes()), "{right}");
        }
        let twice = RIGHT.repeat(2);
        for wrong in ["", "Bearer", "Bearer ", RIGHT, "Basic 0123456789abcdef", "Bearer 0123456789abcde"] {
            assert!(!token.is_shown_by(wrong.as_bytes()), "{wrong}");
        }
        for wrong in [&twice[..], "0123456789abcdeF", "1123456789abcdef", "0123456789abcdef0"] {
            assert!(!token.is_shown_by(format!("Bearer {wrong}").as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_told() {
        assert_eq!(ApiToken::new("short"), Err(ApiTokenError::Length { length: 5 }));
        assert_eq!(ApiToken::new("a".repeat(1025)), Err(ApiTokenError::Length { length: 1025 }));
        let error = ApiToken::new("0123456789 hidden-part").unwrap_err();
        assert_eq!(error, ApiTokenError::Character { position: 11 });
        assert!(!error.to_string().contains("hidden"), "{error}");
    }

    proptest! {
        #[test]
        fn two_tokens_are_the_same_if_their_texts_are(one in "[a-c]{16,18}", other in "[a-c]{16,18}") {
            let token = ApiToken::new(&*one).unwrap();
            prop_assert!(token.is_shown_by(token.authorization().as_bytes()));
            prop_assert_eq!(token.is(other.as_bytes()), one == other);
        }
    }
}
