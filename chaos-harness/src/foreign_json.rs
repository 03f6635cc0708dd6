//! JSON that others hand over: what is asked of it before it is parsed, and what it says that nobody knows.

use serde_json::Value;

/// How deep arrays and objects may be within each other. What this crate writes is half as deep.
pub(crate) const DEEPEST: usize = 32;

/// Whether nothing is deeper than [`DEEPEST`]: parsers recurse, and their callers may have little stack left.
pub(crate) fn is_shallow(text: &[u8]) -> bool {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in text {
        if in_string {
            in_string = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return false;
        }
    }
    true
}

/// The first field in `given` that is not in `known`, which is `given` as it was understood and written anew: the path to
/// it, and the fields that there are beside it.
pub(crate) fn unknown_field(given: &Value, known: &Value) -> Option<(String, Vec<String>)> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => given.iter().find_map(|(name, value)| {
            let Some(understood) = known.get(name) else {
                return Some((name.clone(), known.keys().cloned().collect()));
            };
            unknown_field(value, understood).map(|(path, there)| (format!("{name}.{path}"), there))
        }),
        (Value::Array(given), Value::Array(known)) => {
            given.iter().zip(known).enumerate().find_map(|(index, (given, known))| {
                unknown_field(given, known).map(|(path, there)| (format!("{index}.{path}"), there))
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn depth_is_counted_outside_of_strings() {
        let nested = |depth: usize| format!("{}1", "[{\"\":".repeat(depth / 2));
        assert!(is_shallow(nested(DEEPEST).as_bytes()));
        assert!(!is_shallow(nested(DEEPEST + 2).as_bytes()));
        assert!(is_shallow(format!("\"\\\"{}\"", "[".repeat(100)).as_bytes()));
    }

    #[test]
    fn a_field_that_nobody_knows_is_found_wherever_it_is() {
        let given = json!({"a": [1, {"b": 2, "ratee": 3}], "c": 4});
        let known = json!({"a": [1, {"b": 2, "rate": 0}], "c": 4});
        assert_eq!(
            unknown_field(&given, &known),
            Some(("a.1.ratee".to_owned(), vec!["b".to_owned(), "rate".to_owned()]))
        );
        assert_eq!(unknown_field(&known, &known), None);
    }

    proptest! {
        #[test]
        fn what_is_shallow_enough_parses_without_a_limit_of_its_own(text in r#"[\[\]{}",:1\\a]{0,80}"#) {
            if let Err(error) = serde_json::from_str::<Value>(&text) {
                prop_assert!(!is_shallow(text.as_bytes()) || !error.to_string().contains("recursion"), "{error}");
            }
        }
    }
}
