//! Shares of a whole, and multiples of a measured value.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

const WHOLE: u32 = 1_000_000;

/// A share between 0 % and 100 %, exact to 0.0001 %.
///
/// ```
/// use chaos_harness::Percent;
/// let share = Percent::from_ppm(1_000);
/// assert_eq!(share.to_string(), "0.1%");
/// assert_eq!(share.fraction(), 0.001);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Percent(u32);

/// A share above 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a share is at most 100% (1,000,000 parts per million), not {0} parts per million")]
pub struct PercentOutOfRange(u32);

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All of it.
    pub const ALL: Self = Self(WHOLE);

    /// A share in whole percent; more than 100 counts as 100.
    #[must_use]
    pub const fn new(percent: u32) -> Self {
        if percent >= 100 { Self::ALL } else { Self(percent * 10_000) }
    }

    /// A share in parts per million; more than a million counts as 100 %.
    #[must_use]
    pub const fn from_ppm(ppm: u32) -> Self {
        if ppm > WHOLE { Self::ALL } else { Self(ppm) }
    }

    /// The nearest share to `fraction`, held between 0 % and 100 %.
    pub(crate) fn from_fraction(fraction: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=1,000,000"
        )]
        let ppm = (fraction * f64::from(WHOLE)).round().clamp(0.0, f64::from(WHOLE)) as u32;
        Self(ppm)
    }

    /// In parts per million.
    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// Between 0 and 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// What is left of the whole.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(WHOLE - self.0)
    }

    /// How many of `count` this share is, rounded down.
    pub(crate) fn of_count(self, count: usize) -> usize {
        (count as u128 * u128::from(self.0) / u128::from(WHOLE)) as usize
    }
}

impl TryFrom<u32> for Percent {
    type Error = PercentOutOfRange;

    fn try_from(ppm: u32) -> Result<Self, Self::Error> {
        if ppm > WHOLE { Err(PercentOutOfRange(ppm)) } else { Ok(Self(ppm)) }
    }
}

impl From<Percent> for u32 {
    fn from(share: Percent) -> Self {
        share.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 10_000.0)
    }
}

/// A multiple of a measured value: `2x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Factor(u64);

impl Factor {
    /// As it is.
    pub const ONE: Self = Self(WHOLE as u64);

    /// A factor in millionths: `2x` is 2,000,000.
    #[must_use]
    pub const fn from_ppm(ppm: u64) -> Self {
        Self(ppm)
    }

    /// In millionths.
    #[must_use]
    pub const fn ppm(self) -> u64 {
        self.0
    }

    /// So many times as long; rounded down to nanoseconds, and at most as long as a duration can be.
    #[must_use]
    pub fn of_duration(self, duration: Duration) -> Duration {
        let nanos = duration.as_nanos().saturating_mul(u128::from(self.0)) / u128::from(WHOLE);
        u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
    }

    /// As a number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0 as f64 / f64::from(WHOLE)
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x", self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_count_rounds_down() {
        assert_eq!(Percent::new(5).of_count(10), 0);
        assert_eq!(Percent::new(20).of_count(10), 2);
        assert_eq!(Percent::new(29).of_count(10), 2);
        assert_eq!(Percent::ALL.of_count(7), 7);
    }

    #[test]
    fn shares_print_as_they_are_written() {
        assert_eq!(Percent::from_ppm(1).to_string(), "0.0001%");
        assert_eq!(Percent::new(50).to_string(), "50%");
        assert_eq!(Percent::from_ppm(125_000).to_string(), "12.5%");
    }

    #[test]
    fn a_stored_share_above_the_whole_is_refused() {
        assert!(serde_json::from_str::<Percent>("1000001").is_err());
        assert_eq!(serde_json::from_str::<Percent>("1000000").ok(), Some(Percent::ALL));
    }
}
