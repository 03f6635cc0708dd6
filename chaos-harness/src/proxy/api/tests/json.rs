//! The JSON layer against `serde_json`, and against anything.

use crate::proxy::api::json::{JsonError, Place, Raw, float32, names, quote};
use proptest::prelude::*;
use serde_json::Value;

/// What is read of `raw`, all the way down.
fn value(raw: Raw<'_>) -> Value {
    let at = Place::BODY;
    if let Ok(Some(members)) = raw.object(at, "") {
        return Value::Object(members.map(|(key, raw)| (key, value(raw))).collect());
    }
    if let Ok(Some(elements)) = raw.array(at, "") {
        return Value::Array(elements.map(value).collect());
    }
    let scalars = [
        raw.string(at).ok().flatten().map(Value::from),
        raw.boolean(at).ok().flatten().map(Value::from),
        raw.integer(at, "").ok().flatten().map(Value::from),
    ];
    scalars.into_iter().flatten().next().unwrap_or(Value::Null)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Text that is JSON, or nearly.
fn near_json() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d83d", "\\ude00", "null", "nul", "true", "fals",
        "-", "0", "12", ".5", "1e", "e+3", " ", "\n", "\u{1}", "a", "ü", "\"a\":", "[[",
    ]);
    prop_oneof![
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..40),
        (any_json(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(value, at, byte)| {
            let mut text = value.to_string().into_bytes();
            let at = at.index(text.len());
            text[at] = byte;
            text
        }),
    ]
}

proptest! {
    #[test]
    fn nothing_panics_and_what_serde_json_takes_is_taken(text in near_json()) {
        let ours = Raw::first(&text).map(value);
        let mut theirs = serde_json::Deserializer::from_slice(&text).into_iter::<serde::de::IgnoredAny>();
        if let Some(Ok(_)) = theirs.next() {
            prop_assert!(ours.is_ok(), "{ours:?}");
        }
    }

    #[test]
    fn what_serde_json_writes_is_read_the_same(json in any_json(), pretty: bool, rest in "[ x]{0,3}") {
        let mut text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }
            .expect("a value can be written");
        // A number would go on with some of what follows.
        text.push(' ');
        text.push_str(&rest);
        prop_assert_eq!(Raw::first(text.as_bytes()).map(value), Ok(json));
    }

    #[test]
    fn what_is_quoted_reads_back(text: String) {
        let quoted = quote(&text);
        prop_assert_eq!(serde_json::from_str::<String>(&quoted).ok(), Some(text.clone()));
        let read = Raw::first(quoted.as_bytes()).and_then(|raw| raw.string(Place::BODY));
        prop_assert_eq!(read, Ok(Some(text)));
        prop_assert!(!quoted.contains(['<', '>', '&']));
    }

    #[test]
    fn a_float_reads_back_as_it_is_printed(value: f32) {
        let printed = float32(value.into());
        if value.is_finite() {
            prop_assert_eq!(printed.parse(), Ok(value));
            let read = Raw::first(printed.as_bytes()).and_then(|raw| raw.float32(Place::BODY));
            prop_assert!(read.is_ok_and(|read| read.is_some()), "{}", printed);
        }
    }
}

#[test]
fn a_text_breaks_off_or_goes_wrong_where_the_original_says() {
    let fails =
        |text: &[u8]| Raw::first(text).err().map_or_else(String::new, |error: JsonError| error.to_string());
    for (text, expected) in [
        ("", "EOF"),
        ("\t\r\n ", "EOF"),
        ("{", "unexpected EOF"),
        ("\"a", "unexpected EOF"),
        ("-", "unexpected EOF"),
        ("1e", "unexpected EOF"),
        ("nul", "unexpected EOF"),
        ("-x", "invalid character 'x' in numeric literal"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1ex", "invalid character 'x' in exponent of numeric literal"),
        ("[01]", "invalid character '1' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
        ("trap", "invalid character 'a' in literal true (expecting 'u')"),
        ("nil", "invalid character 'i' in literal null (expecting 'u')"),
        ("falze", "invalid character 'z' in literal false (expecting 's')"),
        ("\"\\x\"", "invalid character 'x' in string escape code"),
        ("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"),
        ("\"\n\"", "invalid character '\\n' in string literal"),
        ("\"\u{1}\"", "invalid character '\\x01' in string literal"),
        ("'", "invalid character '\\'' looking for beginning of value"),
        ("\u{feff}{}", "invalid character 'ï' looking for beginning of value"),
    ] {
        assert_eq!(fails(text.as_bytes()), expected, "{text:?}");
    }
    assert_eq!(fails(b"\xa0"), "invalid character '\\u00a0' looking for beginning of value");
    for text in ["01", "nullnull", "1x", "{}}", "\"a\"b"] {
        assert!(Raw::first(text.as_bytes()).is_ok(), "{text}");
    }
}

#[test]
fn broken_text_becomes_replacement_characters_one_for_each() {
    let read = |text: &[u8]| Raw::first(text).and_then(|raw| raw.string(Place::BODY));
    for (text, expected) in [
        (b"\"a\xff\xf0\x9f\x98z\"".as_slice(), "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}z"),
        (br#""\ud83d\ude00""#, "\u{1f600}"),
        (br#""\ud83dA\n""#, "\u{fffd}A\n"),
        (br#""\ude00\ud83d\u0041""#, "\u{fffd}\u{fffd}A"),
        (br#""\/\b\f\"\\""#, "/\u{8}\u{c}\"\\"),
    ] {
        assert_eq!(read(text), Ok(Some(expected.to_owned())), "{text:?}");
    }
}

#[test]
fn keys_are_compared_as_the_original_folds_them() {
    assert!(names("ENABLED", "enabled") && names("upſtream", "upstream"));
    assert!(!names("enabled ", "enabled") && !names("enable", "enabled"));
}
