//! One way to write plain data down, the same on every machine and in every release.

use crate::ledger::{Digest, Hasher};
use std::time::Duration;

/// Data as it is digested: each word and each list with its length before it, each number so that its end can be told, and
/// thus no two ways to divide the same bytes are taken for one another.
#[derive(Debug)]
pub(super) struct Canonical(Hasher);

impl Canonical {
    /// The digest of what `write` writes.
    pub(super) fn digest(write: impl FnOnce(&mut Self)) -> Digest {
        let mut canonical = Self(Hasher::new());
        write(&mut canonical);
        canonical.0.digest()
    }

    pub(super) fn word(&mut self, word: &str) -> &mut Self {
        self.number(word.len() as u64);
        self.0.update(word.as_bytes());
        self
    }

    pub(super) fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        // Seven bits a byte: most are small, and each byte costs time.
        let mut rest = number.into();
        while rest >= 0x80 {
            self.0.update(&[rest.to_le_bytes()[0] | 0x80]);
            rest >>= 7;
        }
        self.0.update(&rest.to_le_bytes()[..1]);
        self
    }

    pub(super) fn time(&mut self, time: Duration) -> &mut Self {
        self.number(time.as_secs()).number(time.subsec_nanos())
    }

    pub(super) fn list<'a, T: 'a>(
        &mut self,
        items: impl IntoIterator<Item = &'a T, IntoIter: ExactSizeIterator>,
        mut item: impl FnMut(&T, &mut Self),
    ) {
        let items = items.into_iter();
        self.number(items.len() as u64);
        items.for_each(|one| item(one, self));
    }

    pub(super) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(T, &mut Self)) {
        self.number(u8::from(value.is_some()));
        if let Some(value) = value {
            write(value, self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(numbers: &[u64]) -> Digest {
        Canonical::digest(|canonical| {
            canonical.list(numbers, |number, canonical| {
                canonical.number(*number);
            });
        })
    }

    proptest! {
        #[test]
        fn other_data_is_written_otherwise(
            one in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..300], 0..4),
            other in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..300], 0..4),
        ) {
            prop_assert_eq!(numbers(&one) == numbers(&other), one == other);
        }

        #[test]
        fn words_do_not_run_into_each_other(one in "[a-b]{0,3}", next in "[a-b]{0,3}", other in "[a-b]{0,3}", last in "[a-b]{0,3}") {
            let words = |first: &str, second: &str| Canonical::digest(|canonical| {
                canonical.word(first).word(second);
            });
            prop_assert_eq!(words(&one, &next) == words(&other, &last), (one, next) == (other, last));
        }
    }
}
