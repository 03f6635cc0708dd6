//! Exact binomial statistics: what `k` events in `n` operations say about the share behind them.
//!
//! All tests are one-sided Clopper-Pearson tests. They assume that operations are independent of each other.

use super::beta;
use super::threshold::Comparison;
use crate::units::Percent;
use serde::Serialize;
use std::fmt;

/// What the samples say about a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub enum Decision {
    /// The claim holds, with the confidence asked for.
    Holds,
    /// The claim is wrong, with the confidence asked for.
    Violated,
    /// There are too few samples, or the share is too close to its limit, to say either.
    Undecided,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::Violated => "violated",
            Self::Undecided => "undecided",
        })
    }
}

/// Decides whether the share behind `k` events in `n` operations is on this side of `limit`.
pub(crate) fn decide(k: u64, n: u64, limit: f64, side: Comparison, confidence: Percent) -> Decision {
    if n == 0 {
        return Decision::Undecided;
    }
    let doubt = doubt(confidence);
    let is_below = at_most(k, n, limit) <= doubt;
    let is_above = at_least(k, n, limit) <= doubt;
    match (side, is_below, is_above) {
        (Comparison::Below, true, false) | (Comparison::Above, false, true) => Decision::Holds,
        (Comparison::Below, false, true) | (Comparison::Above, true, false) => Decision::Violated,
        // Both only at confidences of 50 % and less, which say nothing.
        (_, false, false) | (_, true, true) => Decision::Undecided,
    }
}

/// The share is at most this, with this confidence.
pub(crate) fn upper_bound(k: u64, n: u64, confidence: Percent) -> f64 {
    if k >= n {
        return 1.0;
    }
    let doubt = doubt(confidence);
    boundary(|share| at_most(k, n, share) > doubt).1
}

/// The share is at least this, with this confidence.
pub(crate) fn lower_bound(k: u64, n: u64, confidence: Percent) -> f64 {
    if k == 0 || n == 0 {
        return 0.0;
    }
    let doubt = doubt(confidence);
    boundary(|share| at_least(k, n, share) <= doubt).0
}

/// The fewest operations that can show a share to be on this side of `limit`: when the event is never seen (below),
/// or always (above). `None` where no number can.
pub(crate) fn samples_needed(limit: f64, side: Comparison, confidence: Percent) -> Option<u64> {
    let against = match side {
        Comparison::Below => 1.0 - limit,
        Comparison::Above => limit,
    };
    let doubt = doubt(confidence);
    if against >= 1.0 || against.is_nan() || doubt <= 0.0 {
        return None;
    }
    if against <= 0.0 || doubt >= 1.0 {
        return Some(1);
    }
    let estimate = doubt.ln() / against.ln();
    // Beyond this no phase has as many, and the float no longer counts in ones.
    if estimate > 1e15 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, at most 1e15")]
    let estimate = estimate.floor().max(1.0) as u64;
    // The logarithms may be off by one in the last place: `decide` has the last word.
    let best = |n| decide(if side == Comparison::Below { 0 } else { n }, n, limit, side, confidence);
    (estimate..estimate + 3).find(|n| best(*n) == Decision::Holds)
}

fn doubt(confidence: Percent) -> f64 {
    confidence.complement().fraction()
}

/// The probability of at most `k` events in `n` operations.
fn at_most(k: u64, n: u64, share: f64) -> f64 {
    if k >= n { 1.0 } else { beta::regularised((n - k) as f64, (k + 1) as f64, 1.0 - share) }
}

/// The probability of at least `k` events in `n` operations.
fn at_least(k: u64, n: u64, share: f64) -> f64 {
    let k = k.min(n);
    if k == 0 { 1.0 } else { beta::regularised(k as f64, (n - k + 1) as f64, share) }
}

/// The two neighbouring shares between which `is_low` turns from true to false.
fn boundary(is_low: impl Fn(f64) -> bool) -> (f64, f64) {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if is_low(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Comparison::{Above, Below};
    use proptest::prelude::*;

    const CONFIDENCE: Percent = Percent::new(95);

    /// The probability of exactly `k` events, by the definition.
    fn exactly(k: u64, n: u64, share: f64) -> f64 {
        let mut ln = 0.0;
        for i in 0..k {
            ln += ((n - i) as f64 / (k - i) as f64).ln();
        }
        (ln + k as f64 * share.ln() + (n - k) as f64 * (1.0 - share).ln()).exp()
    }

    #[test]
    fn the_fewest_samples_are_those_that_the_design_names() {
        assert_eq!(samples_needed(0.01, Below, CONFIDENCE), Some(299));
        assert_eq!(samples_needed(0.001, Below, CONFIDENCE), Some(2_995));
        assert_eq!(samples_needed(0.5, Above, CONFIDENCE), Some(5));
        assert_eq!(samples_needed(1.0, Below, CONFIDENCE), Some(1));
        assert_eq!(samples_needed(0.0, Below, CONFIDENCE), None);
        assert_eq!(samples_needed(1.0, Above, CONFIDENCE), None);
        assert_eq!(samples_needed(0.01, Below, Percent::ALL), None);
    }

    #[test]
    fn known_bounds_are_met() {
        // Clopper-Pearson at 95 % one-sided, from R: binom.test(k, n, alternative = .., conf.level = 0.95).
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} is not {b}");
        near(upper_bound(0, 600, CONFIDENCE), 1.0 - 0.05_f64.powf(1.0 / 600.0));
        near(upper_bound(5, 10, CONFIDENCE), 0.777_559_2);
        near(lower_bound(5, 10, CONFIDENCE), 0.222_440_8);
        near(lower_bound(10, 10, CONFIDENCE), 0.05_f64.powf(0.1));
    }

    #[test]
    fn without_samples_nothing_is_decided() {
        for limit in [0.0, 0.5, 1.0, f64::NAN] {
            assert_eq!(decide(0, 0, limit, Below, CONFIDENCE), Decision::Undecided);
        }
        assert_eq!((lower_bound(0, 0, CONFIDENCE), upper_bound(0, 0, CONFIDENCE)), (0.0, 1.0));
    }

    #[test]
    fn tails_stay_exact_for_long_phases() {
        for (k, n, share) in [
            (950_u64, 100_000, 0.01),
            (5_000, 10_000, 0.5),
            (100_300, 200_000, 0.5),
            (9_900, 1_000_000, 0.01),
        ] {
            let exact: f64 = (k.saturating_sub(20_000)..=k).map(|k| ln_exactly(k, n, share).exp()).sum();
            let tail = at_most(k, n, share);
            assert!((tail - exact).abs() < 1e-6, "{k} of {n} at {share}: {tail} is not {exact}");
        }
    }

    fn ln_exactly(k: u64, n: u64, share: f64) -> f64 {
        use statrs::function::gamma::ln_gamma;
        let (k, n) = (k as f64, n as f64);
        ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
            + k * share.ln()
            + (n - k) * (1.0 - share).ln()
    }

    proptest! {
        /// Over all outcomes, a bound misses the true share no more often than its confidence allows.
        #[test]
        fn bounds_cover_the_true_share(n in 1_u64..60, share in 0.001_f64..0.999, percent in 60_u32..99) {
            let confidence = Percent::new(percent);
            let covered = |holds: &dyn Fn(u64) -> bool| -> f64 {
                (0..=n).filter(|k| holds(*k)).map(|k| exactly(k, n, share)).sum()
            };
            prop_assert!(covered(&|k| upper_bound(k, n, confidence) >= share) >= confidence.fraction() - 1e-9);
            prop_assert!(covered(&|k| lower_bound(k, n, confidence) <= share) >= confidence.fraction() - 1e-9);
        }

        #[test]
        fn a_decision_agrees_with_the_bounds(n in 1_u64..5_000, k in 0_u64..5_000, limit in 0.0_f64..=1.0) {
            let k = k.min(n);
            let (low, high) = (lower_bound(k, n, CONFIDENCE), upper_bound(k, n, CONFIDENCE));
            // At the bound itself rounding decides.
            prop_assume!((low - limit).abs() > 1e-9 && (high - limit).abs() > 1e-9);
            let expected = if high < limit {
                Decision::Holds
            } else if low > limit {
                Decision::Violated
            } else {
                Decision::Undecided
            };
            prop_assert_eq!(decide(k, n, limit, Below, CONFIDENCE), expected);
        }

        #[test]
        fn more_events_never_lower_a_bound(n in 1_u64..2_000, k in 0_u64..2_000) {
            let k = k.min(n - 1);
            prop_assert!(upper_bound(k, n, CONFIDENCE) <= upper_bound(k + 1, n, CONFIDENCE));
            prop_assert!(lower_bound(k, n, CONFIDENCE) <= lower_bound(k + 1, n, CONFIDENCE));
            prop_assert!(lower_bound(k, n, CONFIDENCE) <= upper_bound(k, n, CONFIDENCE));
        }

        #[test]
        fn one_sample_fewer_does_not_do(ppm in 1_u32..1_000_000, percent in 51_u32..100) {
            let (limit, confidence) = (Percent::from_ppm(ppm).fraction(), Percent::new(percent));
            if let Some(n) = samples_needed(limit, Below, confidence) {
                prop_assert_eq!(decide(0, n, limit, Below, confidence), Decision::Holds);
                prop_assert!(n == 1 || decide(0, n - 1, limit, Below, confidence) == Decision::Undecided);
            } else {
                prop_assert_eq!(percent, 100);
            }
        }

        #[test]
        fn nothing_panics(k: u64, n: u64, limit in proptest::num::f64::ANY, ppm in 0_u32..=1_000_000) {
            let (k, n) = (k >> 20, n >> 20);
            let confidence = Percent::from_ppm(ppm);
            let below = decide(k, n, limit, Below, confidence);
            let above = decide(k, n, limit, Above, confidence);
            prop_assert_eq!(below == Decision::Undecided, above == Decision::Undecided);
            prop_assert!((0.0..=1.0).contains(&upper_bound(k, n, confidence)));
            prop_assert!((0.0..=1.0).contains(&lower_bound(k, n, confidence)));
            samples_needed(limit, Below, confidence);
            samples_needed(limit, Above, confidence);
        }
    }
}
