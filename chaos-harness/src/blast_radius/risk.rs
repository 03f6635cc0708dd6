//! How much there is to lose at a stage.
//!
//! As `stage(half, 50%, risk = high)` in an attribute says it:
//!
//! ```
//! use chaos_harness::{Stage, risk};
//! assert_eq!(Stage::percent::<50>().risk(risk::high()), Stage::percent::<50>().risk(risk::Risk::High));
//! ```

use crate::units::Percent;
use serde::Serialize;
use std::fmt;

/// How much there is to lose at a [stage](crate::Stage).
///
/// Where a stage does not say it, it follows from the share that the stage touches, and where more is reached than was
/// asked for, from what is reached:
///
/// | share of the service | risk |
/// | --- | --- |
/// | up to 5 % | low |
/// | up to 20 % | medium |
/// | up to 50 % | high |
/// | more | critical |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Little.
    Low,
    /// Something.
    Medium,
    /// Much.
    High,
    /// Nearly everything.
    Critical,
}

/// [`Risk::Low`].
#[must_use]
pub const fn low() -> Risk {
    Risk::Low
}

/// [`Risk::Medium`].
#[must_use]
pub const fn medium() -> Risk {
    Risk::Medium
}

/// [`Risk::High`].
#[must_use]
pub const fn high() -> Risk {
    Risk::High
}

/// [`Risk::Critical`].
#[must_use]
pub const fn critical() -> Risk {
    Risk::Critical
}

impl Risk {
    /// The risk of touching this share of a service.
    pub(crate) fn of_share(share: Percent) -> Self {
        match share {
            share if share <= Percent::new(5) => Self::Low,
            share if share <= Percent::new(20) => Self::Medium,
            share if share <= Percent::new(50) => Self::High,
            _ => Self::Critical,
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_says_its_risk_and_a_little_more_than_a_bound_is_the_next() {
        let risk = |ppm| Risk::of_share(Percent::from_ppm(ppm));
        let bounds = [(50_000, Risk::Low), (200_000, Risk::Medium), (500_000, Risk::High)];
        for ((ppm, at), next) in bounds.into_iter().zip([Risk::Medium, Risk::High, Risk::Critical]) {
            assert_eq!((risk(ppm), risk(ppm + 1)), (at, next));
        }
    }

    #[test]
    fn a_stored_risk_is_the_word_that_is_shown() {
        for risk in [Risk::Low, Risk::Medium, Risk::High, Risk::Critical] {
            assert_eq!(serde_json::to_string(&risk).unwrap(), format!("\"{risk}\""));
        }
    }
}
