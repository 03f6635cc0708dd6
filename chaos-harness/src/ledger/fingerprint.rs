//! What of an experiment must stay the same for its proof to stay.

use super::digest::{Digest, is_lower_hex};
use super::text::stored_as_text;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// One part of what an experiment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The tokens of its body.
    Body,
    /// Its thresholds.
    Expect,
    /// What is injected.
    Faults,
    /// How it is called, without how long.
    Load,
    /// What a builder's user says its version is.
    Revision,
    /// Its ladder.
    Stages,
    /// The services it needs.
    System,
}

impl Part {
    const ALL: [Self; 7] =
        [Self::Body, Self::Expect, Self::Faults, Self::Load, Self::Revision, Self::Stages, Self::System];

    const fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Expect => "expect",
            Self::Faults => "faults",
            Self::Load => "load",
            Self::Revision => "revision",
            Self::Stages => "stages",
            Self::System => "system",
        }
    }
}

stored_as_text!(Part);

/// The digests of what an experiment says, part by part, so that it can be told which of them changed.
///
/// ```
/// use chaos_harness::ledger::{Digest, Fingerprint, Part};
///
/// let before = Fingerprint::new([(Part::Body, Digest::of(b"a")), (Part::Load, Digest::of(b"b"))]);
/// let after = Fingerprint::new([(Part::Body, Digest::of(b"a")), (Part::Load, Digest::of(b"c"))]);
/// assert_eq!(before.to_string(), "body:446a10cd3a9c load:596a10cd3eed");
/// assert_eq!(after.changed_since(&before), [Part::Load]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(BTreeMap<Part, u64>);

stored_as_text!(Fingerprint);

impl Fingerprint {
    /// The fingerprint of these parts.
    pub fn new(parts: impl IntoIterator<Item = (Part, Digest)>) -> Self {
        Self(parts.into_iter().map(|(part, digest)| (part, digest.short())).collect())
    }

    /// The parts that are not as they were.
    #[must_use]
    pub fn changed_since(&self, older: &Self) -> Vec<Part> {
        Part::ALL.into_iter().filter(|part| self.0.get(part) != older.0.get(part)).collect()
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (part, digest)) in self.0.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            write!(f, "{gap}{part}:{digest:012x}")?;
        }
        Ok(())
    }
}

/// What is not a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFingerprintError {
    /// A part that this release does not know.
    #[error("`{}` is no part of a fingerprint: there are body, expect, faults, load, revision, stages and system", .0.escape_debug())]
    Part(String),
    /// Something else than a part and its digest.
    #[error("`{}` in a fingerprint is not a part and its 12 hexadecimal digits, as in `body:00c0ffee0123`", .0.escape_debug())]
    Digest(String),
    /// Parts that are not each there once, in the order of their names.
    #[error("the parts of a fingerprint are each there once, in the order of their names: `{}` is not", .0.escape_debug())]
    Order(String),
}

impl FromStr for Part {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let part = Self::ALL.into_iter().find(|part| part.name() == text);
        part.ok_or_else(|| ParseFingerprintError::Part(text.to_owned()))
    }
}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = BTreeMap::new();
        if text.is_empty() {
            return Ok(Self(parts));
        }
        for word in text.split(' ') {
            let no_digest = || ParseFingerprintError::Digest(word.to_owned());
            let (part, digits) = word.split_once(':').ok_or_else(no_digest)?;
            let part: Part = part.parse()?;
            if digits.len() != 12 || !is_lower_hex(digits) {
                return Err(no_digest());
            }
            let digest = u64::from_str_radix(digits, 16).map_err(|_| no_digest())?;
            if parts.last_key_value().is_some_and(|(last, _)| *last >= part) {
                return Err(ParseFingerprintError::Order(word.to_owned()));
            }
            parts.insert(part, digest);
        }
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_changed_is_named_whether_it_came_went_or_differs() {
        let of = |parts: &[(Part, &[u8])]| {
            Fingerprint::new(parts.iter().map(|(part, of)| (*part, Digest::of(of))))
        };
        let one = of(&[(Part::Body, b"1"), (Part::Faults, b"1"), (Part::Load, b"1")]);
        let other = of(&[(Part::Body, b"1"), (Part::Faults, b"2"), (Part::Revision, b"1")]);
        assert_eq!(other.changed_since(&one), [Part::Faults, Part::Load, Part::Revision]);
        assert_eq!(one.changed_since(&one), []);
    }

    #[test]
    fn another_text_for_the_same_is_refused() {
        for bad in [
            " body:000000000000",
            "body:0",
            "body:00000000000G",
            "body:+00000000000",
            "soul:000000000000",
            "load:000000000000 body:000000000000",
            "body:000000000000 body:000000000000",
        ] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn it_reads_back_as_it_is_written(parts in prop::collection::btree_map(0_usize..7, any::<[u8; 4]>(), 0..7)) {
            let parts = parts.iter().map(|(part, of)| (Part::ALL[*part], Digest::of(of)));
            let fingerprint = Fingerprint::new(parts);
            prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }
    }
}
