//! The attributes of a toxic, as written on the command line.

use super::catalogue::Kind;
use super::error::{AttributeError, DriveError};
use crate::suggest::advice;
use serde_json::{Map, Value};

/// Reads attributes written `name=number`. Where the type is known, only those that it has are right.
pub(super) fn read(written: &[String], kind: Option<&Kind>) -> Result<Map<String, Value>, AttributeError> {
    let mut attributes = Map::new();
    for written in written {
        let (name, number) =
            written.split_once('=').ok_or_else(|| AttributeError::NotPaired(written.clone()))?;
        let unit = unit(name, kind)?;
        let number: i64 = number.trim().parse().map_err(|_| AttributeError::NotWhole {
            name: name.to_owned(),
            number: number.to_owned(),
            unit,
        })?;
        if attributes.insert(name.to_owned(), number.into()).is_some() {
            return Err(AttributeError::Twice(name.to_owned()));
        }
    }
    Ok(attributes)
}

/// The unit of this attribute, as words for a message.
fn unit(name: &str, kind: Option<&Kind>) -> Result<String, AttributeError> {
    let Some(kind) = kind else { return Ok(String::new()) };
    match kind.attributes.iter().find(|attribute| attribute.name == name) {
        Some(attribute) => Ok(format!(" ({})", attribute.unit)),
        None => Err(AttributeError::Unknown {
            name: name.to_owned(),
            kind: kind.name,
            advice: advice(name, kind.attributes.iter().map(|attribute| attribute.name)),
        }),
    }
}

/// Whether all attributes are there that a toxic of this type needs.
pub(super) fn check_all_there(attributes: &Map<String, Value>, kind: &Kind) -> Result<(), AttributeError> {
    let mut needed = kind.attributes.iter().filter(|attribute| attribute.is_needed);
    match needed.find(|attribute| !attributes.contains_key(attribute.name)) {
        None => Ok(()),
        Some(missing) => {
            Err(AttributeError::Missing { name: missing.name, kind: kind.name, signature: kind.signature() })
        }
    }
}

/// Whether a toxicity is a share.
pub(super) fn check_toxicity(toxicity: Option<f64>) -> Result<(), DriveError> {
    match toxicity {
        Some(share) if !(0.0..=1.0).contains(&share) => Err(DriveError::Toxicity(share)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().copied().map(Into::into).collect()
    }

    fn problem(written: &[&str], kind: &str) -> String {
        let kind = Kind::find(kind).unwrap();
        let read = read(&words(written), Some(kind));
        read.and_then(|attributes| check_all_there(&attributes, kind)).unwrap_err().to_string()
    }

    #[test]
    fn each_mistake_is_named_with_what_would_be_right() {
        assert_eq!(
            problem(&["latncy=1"], "latency"),
            "a `latency` toxic has no attribute `latncy`: did you mean `latency`? \
             There are `latency`, `jitter`"
        );
        assert_eq!(problem(&["on=1"], "down"), "a `down` toxic has no attribute `on`: there are none");
        assert_eq!(
            problem(&["jitter=5"], "latency"),
            "a `latency` toxic needs `latency`: add `--attribute latency=NUMBER`. \
             Its attributes are latency (ms), [jitter (ms)]"
        );
        assert_eq!(
            problem(&["latency=fast"], "latency"),
            "`fast` is no value for `latency` (ms): write a whole number, as in `latency=100`"
        );
        assert_eq!(
            problem(&["latency=1.5"], "latency"),
            "`1.5` is no value for `latency` (ms): write a whole number, as in `latency=100`"
        );
        assert_eq!(
            problem(&["latency"], "latency"),
            "`latency` is no attribute: write NAME=NUMBER, as in `latency=100`"
        );
        assert_eq!(problem(&["on=1", "on=2"], "burst"), "`on` is given twice: give it once");
    }

    #[test]
    fn the_attributes_of_a_type_that_is_not_known_are_left_to_the_server() {
        let attributes = read(&words(&["level=3"]), None).unwrap();
        assert_eq!(Value::from(attributes), serde_json::json!({ "level": 3 }));
    }

    #[test]
    fn a_toxicity_is_a_share() {
        assert!(check_toxicity(Some(0.0)).is_ok() && check_toxicity(Some(1.0)).is_ok());
        for no_share in [-0.1, 1.1, 50.0, f64::NAN] {
            assert!(check_toxicity(Some(no_share)).is_err(), "{no_share}");
        }
    }
}
