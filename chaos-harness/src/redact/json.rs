//! JSON in which no string shows what is not to be shown: whatever is serialised, and by whomever its fields were added.

use super::Redactor;
use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, PrettyFormatter, Serializer};
use std::io;

impl Redactor {
    /// One value on one line.
    pub(crate) fn line(&self, value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
        self.serialize(value, Layout::Compact(CompactFormatter))
    }

    /// One value, laid out for people.
    pub(crate) fn pretty(&self, value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
        self.serialize(value, Layout::Pretty(PrettyFormatter::new()))
    }

    fn serialize(&self, value: &impl Serialize, layout: Layout) -> serde_json::Result<Vec<u8>> {
        let mut text = Vec::new();
        let formatter = Redacting { layout, redactor: self, string: String::new(), is_key: false };
        value.serialize(&mut Serializer::with_formatter(&mut text, formatter))?;
        Ok(text)
    }
}

/// Told apart as the program runs: all that is ever serialised is compiled for one form, not for each.
enum Layout {
    Compact(CompactFormatter),
    Pretty(PrettyFormatter<'static>),
}

/// Does it as the layout does.
macro_rules! laid_out {
    ($layout:expr, $method:ident($($argument:expr),*)) => {
        match &mut $layout {
            Layout::Compact(layout) => layout.$method($($argument),*),
            Layout::Pretty(layout) => layout.$method($($argument),*),
        }
    };
}

/// Gathers each string, which comes in pieces, and writes what may be shown of it.
struct Redacting<'a> {
    layout: Layout,
    redactor: &'a Redactor,
    string: String,
    is_key: bool,
}

impl Formatter for Redacting<'_> {
    fn begin_string<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\"")
    }

    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, _: &mut W, fragment: &str) -> io::Result<()> {
        self.string.push_str(fragment);
        Ok(())
    }

    fn write_char_escape<W: io::Write + ?Sized>(&mut self, _: &mut W, escape: CharEscape) -> io::Result<()> {
        self.string.push(match escape {
            CharEscape::Quote => '"',
            CharEscape::ReverseSolidus => '\\',
            CharEscape::Solidus => '/',
            CharEscape::Backspace => '\u{8}',
            CharEscape::FormFeed => '\u{c}',
            CharEscape::LineFeed => '\n',
            CharEscape::CarriageReturn => '\r',
            CharEscape::Tab => '\t',
            CharEscape::AsciiControl(byte) => char::from(byte),
        });
        Ok(())
    }

    fn end_string<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        let string = std::mem::take(&mut self.string);
        // The names of fields are this crate's own: a secret that is spelt like one of them must not break the form.
        let shown = if self.is_key { super::rules::text(&string) } else { self.redactor.text(&string) };
        let quoted = serde_json::to_string(&shown)?;
        writer.write_all(&quoted.as_bytes()[1..])
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.is_key = true;
        laid_out!(self.layout, begin_object_key(writer, first))
    }

    fn end_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.is_key = false;
        laid_out!(self.layout, end_object_key(writer))
    }

    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        laid_out!(self.layout, begin_array(writer))
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        laid_out!(self.layout, end_array(writer))
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        laid_out!(self.layout, begin_array_value(writer, first))
    }

    fn end_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        laid_out!(self.layout, end_array_value(writer))
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        laid_out!(self.layout, begin_object(writer))
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        laid_out!(self.layout, end_object(writer))
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        laid_out!(self.layout, begin_object_value(writer))
    }

    fn end_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        laid_out!(self.layout, end_object_value(writer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_secret_shows_in_no_string_of_any_value(
            secret in "\\PC{4,12}Q7",
            before in any::<String>(),
            after in any::<String>(),
        ) {
            let redactor = Redactor::new([secret.as_str()], []);
            let value = json!({"a": [format!("{before}{secret}{after}"), {"b": secret}], "c": 1.5, "d": null});
            for text in [redactor.line(&value).unwrap(), redactor.pretty(&value).unwrap()] {
                let read: Value = serde_json::from_slice(&text).unwrap();
                for string in [&read["a"][0], &read["a"][1]["b"]] {
                    prop_assert!(!string.as_str().unwrap().contains(&secret), "{read}");
                }
                prop_assert_eq!(&read["c"], &value["c"]);
            }
        }

        #[test]
        fn ordinary_values_are_written_as_serde_json_writes_them(
            strings in prop::collection::vec("[^=:-]*", 0..4),
            numbers in prop::collection::btree_map(any::<u32>(), any::<i64>(), 0..4),
        ) {
            let value: (Vec<String>, BTreeMap<u32, i64>) = (strings, numbers);
            let redactor = Redactor::default();
            prop_assert_eq!(redactor.line(&value).unwrap(), serde_json::to_vec(&value).unwrap());
            prop_assert_eq!(redactor.pretty(&value).unwrap(), serde_json::to_vec_pretty(&value).unwrap());
        }
    }

    #[test]
    fn a_secret_that_is_spelt_like_a_field_does_not_break_the_form() {
        let text = Redactor::new(["event"], []).line(&json!({"event": "event"})).unwrap();
        assert_eq!(text, br#"{"event":"[redacted]"}"#);
    }
}
