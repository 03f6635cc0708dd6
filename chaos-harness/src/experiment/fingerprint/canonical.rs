//! One way to write plain data down, the same on every machine and in every release.

use crate::ledger::{Digest, Hasher};
use std::time::Duration;

/// Data as it is digested: each word with its length, each number in as many bytes, each list with its length, so that
/// no two ways to divide the same bytes are taken for one another.
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
        self.0.update(&number.into().to_le_bytes());
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
