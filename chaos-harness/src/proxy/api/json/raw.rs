//! A value that is read where it stands.

use super::unquote::unquote;
use super::{JsonError, Place, scan};

/// A value within a text: valid, and not yet looked into.
///
/// The functions that read it answer `None` for `null`, which leaves things as they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw<'a> {
    /// Not empty.
    text: &'a [u8],
}

impl<'a> Raw<'a> {
    /// The first value of `text`; what follows it is ignored.
    pub(crate) fn first(text: &'a [u8]) -> Result<Self, JsonError> {
        scan::first_value(text).map(|text| Self { text })
    }

    /// The members of an object, in order.
    pub(crate) fn object(
        self,
        place: Place,
        wanted: &'static str,
    ) -> Result<Option<impl Iterator<Item = (String, Raw<'a>)>>, JsonError> {
        match self.text[0] {
            b'{' => {
                let mut inner = Inner::of(self.text);
                let next = move || Some((unquote(inner.next_value()?.text), inner.next_value()?));
                Ok(Some(std::iter::from_fn(next)))
            }
            b'n' => Ok(None),
            _ => self.mismatch(place, wanted),
        }
    }

    /// The elements of an array, in order.
    pub(crate) fn array(
        self,
        place: Place,
        wanted: &'static str,
    ) -> Result<Option<impl Iterator<Item = Raw<'a>>>, JsonError> {
        match self.text[0] {
            b'[' => {
                let mut inner = Inner::of(self.text);
                Ok(Some(std::iter::from_fn(move || inner.next_value())))
            }
            b'n' => Ok(None),
            _ => self.mismatch(place, wanted),
        }
    }

    /// A string.
    pub(crate) fn string(self, place: Place) -> Result<Option<String>, JsonError> {
        match self.text[0] {
            b'"' => Ok(Some(unquote(self.text))),
            b'n' => Ok(None),
            _ => self.mismatch(place, "string"),
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(self, place: Place) -> Result<Option<bool>, JsonError> {
        match self.text[0] {
            b't' => Ok(Some(true)),
            b'f' => Ok(Some(false)),
            b'n' => Ok(None),
            _ => self.mismatch(place, "bool"),
        }
    }

    /// A number without fraction or exponent, of the original's type `wanted`.
    pub(crate) fn integer(self, place: Place, wanted: &'static str) -> Result<Option<i64>, JsonError> {
        match self.number() {
            Some(digits) => digits.parse().map(Some).map_err(|_| Self::unfit(digits, place, wanted)),
            None if self.text[0] == b'n' => Ok(None),
            None => self.mismatch(place, wanted),
        }
    }

    /// A number that a single-precision float can come near.
    pub(crate) fn float32(self, place: Place) -> Result<Option<f64>, JsonError> {
        match self.number() {
            Some(digits) => {
                let fits = digits.parse::<f32>().is_ok_and(f32::is_finite);
                let value = digits.parse().ok().filter(|_| fits);
                value.map(Some).ok_or_else(|| Self::unfit(digits, place, "float32"))
            }
            None if self.text[0] == b'n' => Ok(None),
            None => self.mismatch(place, "float32"),
        }
    }

    fn number(self) -> Option<&'a str> {
        let numeric = matches!(self.text[0], b'-' | b'0'..=b'9');
        // A number is ASCII.
        std::str::from_utf8(self.text).ok().filter(|_| numeric)
    }

    fn unfit(digits: &str, place: Place, wanted: &'static str) -> JsonError {
        JsonError::Mismatch { value: format!("number {digits}"), place: place.to_string(), wanted }
    }

    fn mismatch<T>(self, place: Place, wanted: &'static str) -> Result<T, JsonError> {
        let value = match self.text[0] {
            b'{' => "object",
            b'[' => "array",
            b'"' => "string",
            b't' | b'f' => "bool",
            _ => "number",
        };
        Err(JsonError::Mismatch { value: value.to_owned(), place: place.to_string(), wanted })
    }
}

/// What stands between the brackets of a container.
struct Inner<'a> {
    text: &'a [u8],
}

impl<'a> Inner<'a> {
    fn of(container: &'a [u8]) -> Self {
        Self { text: &container[1..container.len() - 1] }
    }

    /// The next key, value or element.
    fn next_value(&mut self) -> Option<Raw<'a>> {
        let between = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':');
        let start = self.text.iter().position(|byte| !between(byte))?;
        let text = &self.text[start..];
        let (value, rest) = text.split_at(length(text));
        self.text = rest;
        Some(Raw { text: value })
    }
}

/// How long the valid value at the start of `text` is.
fn length(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => {
                quoted = !quoted;
                if !quoted && depth == 0 {
                    return at + 1;
                }
            }
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}
