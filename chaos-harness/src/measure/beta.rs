//! The regularised incomplete beta function: the tails of the binomial distribution.
//!
//! A continued fraction (Lentz), scaled by a binomial probability after Loader (2000), whose parts do not cancel each other however
//! many operations there are.

use std::f64::consts::TAU;

/// Enough for a hundred million operations, where the share is at its limit; far from that a few do. Beyond it the last digits
/// are not reached.
const MOST_TERMS: u32 = 20_000;

/// In place of a denominator that is nothing.
const TINY: f64 = 1e-300;

/// I<sub>x</sub>(a, b) for whole `a` and `b`, both at least 1: the probability of at least `a` events in `a + b - 1` operations
/// where each is one with probability `x`. 1 where `x` is not a number.
pub(super) fn regularised(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 || x.is_nan() {
        return 1.0;
    }
    // The fraction converges fast on this side of the mean.
    let tail = if x < (a + 1.0) / (a + b + 2.0) { lower(a, b, x) } else { 1.0 - lower(b, a, 1.0 - x) };
    tail.clamp(0.0, 1.0)
}

fn lower(a: f64, b: f64, x: f64) -> f64 {
    exactly(a, a + b, x) * b / (a + b) * fraction(a, b, x)
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let whole = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut above = 1.0;
    let mut below = 1.0 / whole(1.0 - (a + b) * x / (a + 1.0));
    let mut product = below;
    for pair in 1..=MOST_TERMS {
        let pair = f64::from(pair);
        let at = a + 2.0 * pair;
        let even = pair * (b - pair) * x / ((at - 1.0) * at);
        let odd = -(a + pair) * (a + b + pair) * x / (at * (at + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            below = 1.0 / whole(1.0 + term * below);
            above = whole(1.0 + term / above);
            step *= above * below;
        }
        product *= step;
        if (step - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    product
}

/// The probability of exactly `k` events in `n` operations; there is at least one, and at least one that is none.
fn exactly(k: f64, n: f64, share: f64) -> f64 {
    let others = n - k;
    let exponent = correction(n)
        - correction(k)
        - correction(others)
        - deviance(k, n * share)
        - deviance(others, n * (1.0 - share));
    (n / (TAU * k * others)).sqrt() * exponent.exp()
}

/// What Stirling's formula leaves of ln n!.
fn correction(n: f64) -> f64 {
    if n < 16.0 {
        let mut factorial = 1.0;
        let mut factor = 2.0;
        while factor <= n {
            factorial *= factor;
            factor += 1.0;
        }
        return f64::ln(factorial) - (0.5 * (TAU * n).ln() + n * n.ln() - n);
    }
    let squared = n * n;
    let series = 1.0 / 1680.0 - 1.0 / (1188.0 * squared);
    let series = 1.0 / 1260.0 - series / squared;
    let series = 1.0 / 360.0 - series / squared;
    (1.0 / 12.0 - series / squared) / n
}

/// `seen ln(seen / expected) + expected - seen`.
fn deviance(seen: f64, expected: f64) -> f64 {
    let difference = seen - expected;
    if difference.abs() >= 0.1 * (seen + expected) {
        return seen * (seen / expected).ln() - difference;
    }
    // Near each other these cancel: a series in what they differ by.
    let ratio = difference / (seen + expected);
    let mut sum = difference * ratio;
    let mut power = 2.0 * seen * ratio;
    for odd in (3..).step_by(2) {
        power *= ratio * ratio;
        let next = sum + power / f64::from(odd);
        #[expect(clippy::float_cmp, reason = "until nothing is added any more")]
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use statrs::function::beta::checked_beta_reg;

    #[test]
    fn what_has_a_closed_form_is_met() {
        let near = |found: f64, exact: f64| {
            assert!((found - exact).abs() <= 1e-12 * exact, "{found} is not {exact}");
        };
        // All of n, and at least one of n, also where n is more than any test has.
        for n in [1.0_f64, 2.0, 15.0, 16.0, 299.0, 1e6, 1e12] {
            let share = 1.0 - 1.0 / n.max(2.0);
            near(regularised(n, 1.0, share), (n * share.ln()).exp());
            let rare = 1.0 - share;
            near(regularised(1.0, n, rare), -(n * (-rare).ln_1p()).exp_m1());
        }
        near(regularised(2.0, 2.0, 0.5), 0.5);
        near(regularised(5e5, 5e5, 0.5), 0.5);
        near(regularised(2.0, 3.0, 0.25), 1.0 - 0.75_f64.powi(4) - 4.0 * 0.25 * 0.75_f64.powi(3));
    }

    #[test]
    fn the_ends_are_exact_and_what_is_no_number_is_certain() {
        for (x, expected) in [(-1.0, 0.0), (0.0, 0.0), (1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0)] {
            assert_eq!(regularised(3.0, 4.0, x).to_bits(), f64::to_bits(expected), "{x}");
        }
    }

    proptest! {
        #[test]
        fn it_is_what_statrs_says(a in 1_u32..400, b in 1_u32..400, x in 0.001_f64..0.999) {
            let (a, b) = (f64::from(a), f64::from(b));
            let (found, theirs) = (regularised(a, b, x), checked_beta_reg(a, b, x).unwrap());
            prop_assert!((found - theirs).abs() < 1e-10, "{found} is not {theirs}");
        }

        /// The tails of a long phase are the sums of its parts.
        #[test]
        fn tails_are_sums(n in 1_000_u32..200_000, share in 0.001_f64..0.999, sigmas in -4.0_f64..4.0) {
            let whole = f64::from(n);
            let spread = (whole * share * (1.0 - share)).sqrt();
            let k = (whole * share + sigmas * spread).round().clamp(1.0, whole - 1.0);
            // All of them is no part of what follows.
            let mut sum = (whole * share.ln()).exp();
            let mut at = k;
            while at < whole && at < k + 12.0 * spread + 60.0 {
                sum += exactly(at, whole, share);
                at += 1.0;
            }
            let tail = regularised(k, whole - k + 1.0, share);
            prop_assert!((tail - sum).abs() < 1e-9, "{tail} is not {sum}");
        }
    }
}
