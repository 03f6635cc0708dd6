//! Strings and numbers as the original prints them.

use std::fmt::Write;

/// `text` as a JSON string. Like the original's, it can stand in HTML.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// `value` with the digits that single precision needs. What JSON has no number for is 0.
pub(crate) fn float32(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the original keeps no more")]
    let value = value as f32;
    match value.abs() {
        0.0 | 1e-6..1e21 => value.to_string(),
        size if size.is_finite() => {
            let text = format!("{value:e}");
            if size < 1.0 { text } else { text.replace('e', "e+") }
        }
        _ => "0".to_owned(),
    }
}
