//! Why a body was not understood, in the words that clients look for.

use std::fmt;

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// No value at all.
    #[error("EOF")]
    Empty,
    /// A value that breaks off.
    #[error("unexpected EOF")]
    Unfinished,
    /// A byte that cannot stand where it does.
    #[error("invalid character {} {context}", Quoted(*.character))]
    Character {
        /// The byte.
        character: u8,
        /// What was being read.
        context: &'static str,
    },
    /// A value of another type than is asked for.
    #[error("json: cannot unmarshal {value} into Go {place} of type {wanted}")]
    Mismatch {
        /// What it is.
        value: String,
        /// Where it is.
        place: String,
        /// What would be right.
        wanted: &'static str,
    },
}

/// Where a value stands: in the words of the original, which name its own types.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The type of the object, and the path to the field within the body; `None` for the body itself.
    field: Option<(&'static str, Option<&'static str>, &'static str)>,
}

impl Place {
    /// The body itself.
    pub(crate) const BODY: Self = Self { field: None };

    /// A field of the body.
    pub(crate) const fn field(holder: &'static str, name: &'static str) -> Self {
        Self { field: Some((holder, None, name)) }
    }

    /// A field of an object that is itself the field `parent` of the body.
    pub(crate) const fn nested(holder: &'static str, parent: &'static str, name: &'static str) -> Self {
        Self { field: Some((holder, Some(parent), name)) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            None => f.write_str("value"),
            Some((holder, None, name)) => write!(f, "struct field {holder}.{name}"),
            Some((holder, Some(parent), name)) => write!(f, "struct field {holder}.{parent}.{name}"),
        }
    }
}

/// A byte as a quoted character of Latin 1.
struct Quoted(u8);

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\'' => f.write_str(r"'\''"),
            b'\\' => f.write_str(r"'\\'"),
            0x07 => f.write_str(r"'\a'"),
            0x08 => f.write_str(r"'\b'"),
            0x0c => f.write_str(r"'\f'"),
            b'\n' => f.write_str(r"'\n'"),
            b'\r' => f.write_str(r"'\r'"),
            b'\t' => f.write_str(r"'\t'"),
            0x0b => f.write_str(r"'\v'"),
            control @ (..0x20 | 0x7f) => write!(f, r"'\x{control:02x}'"),
            blank @ (0x80..=0xa0 | 0xad) => write!(f, r"'\u{blank:04x}'"),
            printable => write!(f, "'{}'", char::from(printable)),
        }
    }
}
