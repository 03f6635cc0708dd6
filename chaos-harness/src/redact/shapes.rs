//! How one value is written in different places.

use std::fmt::Write as _;

/// The value as it is, as Rust and JSON write it in quotes, and as a part of a URL.
pub(super) fn shapes(value: &str) -> impl Iterator<Item = String> {
    let rust = within_quotes(&format!("{value:?}")).to_owned();
    // A text can be written as JSON.
    let json = serde_json::to_string(value).unwrap_or_default();
    let json = within_quotes(&json).to_owned();
    [value.to_owned(), rust, json, percent_encoded(value)].into_iter()
}

/// What a part of a URL says, where that is something else.
pub(super) fn percent_decoded(part: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let said = digit(0).zip(digit(1)).filter(|_| *first == b'%');
        let said = said.and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
        decoded.push(said.unwrap_or(*first));
        rest = if said.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(decoded).ok().filter(|decoded| decoded != part)
}

/// All but what no URL gives a meaning to.
fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn within_quotes(quoted: &str) -> &str {
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_place_has_a_shape_of_its_own() {
        let shapes: Vec<_> = shapes("it's \"\u{1}\"\u{e4}").collect();
        let rust = "it's \\\"\\u{1}\\\"\u{e4}";
        let json = "it's \\\"\\u0001\\\"\u{e4}";
        assert_eq!(shapes, ["it's \"\u{1}\"\u{e4}", rust, json, "it%27s%20%22%01%22%C3%A4"]);
    }

    #[test]
    fn only_what_says_something_else_is_decoded() {
        assert_eq!(percent_decoded("p%40ss%2f%C3%A4"), Some("p@ss/\u{e4}".to_owned()));
        for as_it_is in ["plain", "100%", "%zz", "%+1", "%ff"] {
            assert_eq!(percent_decoded(as_it_is), None, "{as_it_is}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_what_it_was(value in any::<String>()) {
            let encoded = percent_encoded(&value);
            let decoded = percent_decoded(&encoded);
            prop_assert_eq!(decoded.as_ref().unwrap_or(&encoded), &value);
        }
    }
}
