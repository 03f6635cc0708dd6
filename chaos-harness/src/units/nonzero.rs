//! A share that is not nothing.

use super::Percent;
use serde::Serialize;
use std::fmt;

/// A share of more than 0 %: what selects something never selects nothing.
///
/// A number that is written down is checked by the compiler:
///
/// ```
/// use chaos_harness::{Percent, Share};
/// assert_eq!(Share::percent::<5>().to_string(), "5%");
/// assert_eq!(Share::ppm::<1_000>().to_string(), "0.1%");
/// assert_eq!(Share::try_from(Percent::new(5)), Ok(Share::percent::<5>()));
/// assert!(Share::try_from(Percent::ZERO).is_err());
/// ```
///
/// ```compile_fail
/// let nothing = chaos_harness::Share::percent::<0>();
/// ```
///
/// ```compile_fail
/// let more_than_all = chaos_harness::Share::percent::<101>();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(try_from = "Percent", into = "Percent")]
pub struct Share(Percent);

/// A share of 0 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a share of 0% touches nothing: write more than 0%")]
pub struct NoShare;

impl Share {
    /// All of it.
    pub const ALL: Self = Self(Percent::ALL);

    /// A share in whole percent, from 1 to 100. Anything else does not compile.
    #[must_use]
    pub const fn percent<const PERCENT: u32>() -> Self {
        const { assert!(0 < PERCENT && PERCENT <= 100, "a share is more than 0% and at most 100%") };
        Self(Percent::new(PERCENT))
    }

    /// A share in parts per million, from 1 to 1,000,000. Anything else does not compile.
    #[must_use]
    pub const fn ppm<const PPM: u32>() -> Self {
        const { assert!(0 < PPM && PPM <= 1_000_000, "a share is more than 0% and at most 100%") };
        Self(Percent::from_ppm(PPM))
    }

    /// A share that is known to be one while the program is compiled: the attribute calls it in a `const` block.
    pub(crate) const fn checked(share: Percent) -> Self {
        assert!(share.ppm() > 0, "a share of 0% touches nothing");
        Self(share)
    }

    /// As a share that might be nothing.
    #[must_use]
    pub const fn get(self) -> Percent {
        self.0
    }
}

impl TryFrom<Percent> for Share {
    type Error = NoShare;

    fn try_from(share: Percent) -> Result<Self, NoShare> {
        if share == Percent::ZERO { Err(NoShare) } else { Ok(Self(share)) }
    }
}

impl From<Share> for Percent {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_share_of_nothing_is_refused() {
        assert!(serde_json::from_str::<Share>("0").unwrap_err().to_string().contains("touches nothing"));
        assert!(serde_json::from_str::<Share>("1000001").is_err());
        assert_eq!(serde_json::from_str::<Share>("50000").ok(), Some(Share::percent::<5>()));
    }
}
