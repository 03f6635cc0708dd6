//! The one source of chance: named streams drawn from a run's seed.
//!
//! Each decision has a stream of its own, named after what it decides, so that adding one decision does not shift
//! another: the same seed and plan make the same choices.

use rand::rngs::ChaCha12Rng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What every random choice of a run is drawn from. Printed with each failure; `CHAOS_SEED` sets it.
///
/// ```
/// use chaos_harness::Seed;
/// let seed: Seed = "0xC0FFEE".parse()?;
/// assert_eq!(seed, Seed::new(0xC0FFEE));
/// assert_eq!(seed.to_string(), "0xc0ffee");
/// # Ok::<(), chaos_harness::ParseSeedError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Seed(u64);

impl Seed {
    /// A seed of this value.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// A seed from the clock and the process id: for a run that was given none.
    #[must_use]
    pub fn fresh() -> Self {
        let nanos = crate::clock::since_epoch().as_nanos();
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are the ones that vary")]
        let seed = (nanos as u64) ^ (u64::from(std::process::id()) << 40);
        Self(seed & SHORT)
    }

    /// The seed of a commit: always the same for the same one.
    pub(crate) fn of_commit(commit: &str) -> Self {
        Self(hash(commit) & SHORT)
    }

    /// The stream that decides `what`.
    pub(crate) fn stream(self, what: &str) -> Stream {
        // The generator does the mixing.
        let name = hash(what);
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.0.to_le_bytes());
        key[8..16].copy_from_slice(&name.to_le_bytes());
        Stream(ChaCha12Rng::from_seed(key))
    }
}

/// 48 bits: short enough to be copied by hand out of a log.
const SHORT: u64 = 0xffff_ffff_ffff;

/// FNV-1a: stable across releases and platforms, unlike std's hasher.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl From<u64> for Seed {
    fn from(value: u64) -> Self {
        Self(value)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A seed that is not a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a seed: write a whole number, decimal or with 0x before it, as in CHAOS_SEED=0xc0ffee")]
pub struct ParseSeedError(String);

impl FromStr for Seed {
    type Err = ParseSeedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim().replace('_', "");
        let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        value.map(Self).map_err(|_| ParseSeedError(text.to_owned()))
    }
}

/// A stream of choices of one kind.
#[derive(Debug)]
pub(crate) struct Stream(ChaCha12Rng);

impl Stream {
    /// A share in `[0, 1)`.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0.random::<f64>()
    }

    /// A whole number below `bound`; 0 where there is none.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.random_range(0..bound) }
    }

    /// `count` different indices below `of`, in ascending order; all of them when there are fewer.
    pub(crate) fn choose(&mut self, count: usize, of: usize) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..of).collect();
        let count = count.min(of);
        for taken in 0..count {
            let other = self.0.random_range(taken..of);
            indices.swap(taken, other);
        }
        indices.truncate(count);
        indices.sort_unstable();
        indices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_name_make_the_same_choices() {
        let draw = |name| Seed::new(7).stream(name).choose(3, 1000);
        assert_eq!(draw("targets"), draw("targets"));
        assert_ne!(draw("targets"), draw("jitter"));
        assert_ne!(draw("targets"), Seed::new(8).stream("targets").choose(3, 1000));
    }

    #[test]
    fn chosen_indices_are_distinct_sorted_and_in_range() {
        let chosen = Seed::new(1).stream("targets").choose(10, 10);
        assert_eq!(chosen, (0..10).collect::<Vec<_>>());
        assert_eq!(Seed::new(1).stream("targets").choose(5, 2), [0, 1]);
    }

    #[test]
    fn a_seed_makes_the_choices_that_it_has_always_made() {
        let stream = || Seed::new(0xc0_ffee).stream("targets");
        assert_eq!(stream().choose(3, 1000), [2, 757, 960]);
        assert_eq!(stream().below(u64::MAX), 17_715_740_506_799_153_022);
    }

    #[test]
    fn a_seed_reads_back_as_it_is_printed() {
        let seed = Seed::fresh();
        assert_eq!(seed.to_string().parse(), Ok(seed));
        assert_eq!("12".parse(), Ok(Seed::new(12)));
        assert!("twelve".parse::<Seed>().is_err());
    }
}
