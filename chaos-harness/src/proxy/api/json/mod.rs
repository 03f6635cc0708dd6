//! JSON as the clients of Toxiproxy know it.
//!
//! They were written against a server whose decoder is that of Go: its leniency (keys in any case, unknown fields and
//! bytes after the value ignored, `null` that changes nothing), its strictness (`1.0` is no integer) and its error
//! texts are part of the interface. `serde_json` differs in each of these, so what is read is read here; it recurses
//! nowhere and builds no tree, so that no input can exhaust the stack.

mod error;
mod raw;
mod scan;
mod unquote;
mod write;

pub use error::JsonError;
pub(crate) use error::Place;
pub(crate) use raw::Raw;
pub(crate) use write::{float32, quote};

/// Whether `key` means the field `name`, which is in lower case. Two letters beyond ASCII have a lower case in it.
pub(crate) fn names(key: &str, name: &str) -> bool {
    let folded = key.chars().map(|character| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    folded.eq(name.chars())
}
