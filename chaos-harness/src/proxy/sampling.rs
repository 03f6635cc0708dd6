//! Which connections a toxic touches.

use crate::chance;
use crate::units::Percent;

const WHOLE: u64 = 1_000_000;

/// Systematic sampling: every `1/share`th connection, from an offset that is drawn from the seed.
///
/// Of any `n` connections in a row `n × share` are touched, true to within one: independent throws would often touch
/// none of twenty connections at 5 %. For the same reason at least one of the first `1/share` is touched.
#[derive(Debug)]
pub(super) struct Sampler {
    /// In parts per million.
    share: u64,
    /// How far the count of touched connections, in millionths, is past its last whole number. Exact: no float drifts.
    remainder: u64,
}

impl Sampler {
    pub(super) fn new(share: Percent, mut chance: chance::Stream) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..WHOLE")]
        let remainder = (chance.fraction() * WHOLE as f64) as u64;
        Self { share: u64::from(share.ppm()), remainder }
    }

    /// Whether the next connection is touched.
    pub(super) fn touches_next(&mut self) -> bool {
        self.remainder += self.share;
        let touched = self.remainder >= WHOLE;
        if touched {
            self.remainder -= WHOLE;
        }
        touched
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use proptest::prelude::*;

    fn touched(share: Percent, seed: u64, count: usize) -> Vec<bool> {
        let mut sampler = Sampler::new(share, Seed::new(seed).stream("route/toxic"));
        (0..count).map(|_| sampler.touches_next()).collect()
    }

    #[test]
    fn everything_or_nothing_is_exact() {
        assert!(touched(Percent::ALL, 3, 100).iter().all(|touched| *touched));
        assert!(!touched(Percent::ZERO, 3, 100).iter().any(|touched| *touched));
    }

    #[test]
    fn the_seed_chooses_which() {
        let first = |seed| touched(Percent::new(5), seed, 20).iter().position(|touched| *touched);
        assert_eq!(first(1), first(1));
        assert!((2..50).any(|seed| first(seed) != first(1)));
    }

    proptest! {
        #[test]
        fn any_run_of_connections_is_true_to_within_one(
            ppm in 0..=1_000_000_u32, seed: u64, skip in 0..500_usize, count in 1..2_000_usize,
        ) {
            let share = Percent::from_ppm(ppm);
            let hits = touched(share, seed, skip + count)[skip..].iter().filter(|touched| **touched).count();
            prop_assert!((hits as f64 - count as f64 * share.fraction()).abs() < 1.0 + 1e-9);
        }

        #[test]
        fn one_of_the_first_few_is_always_touched(ppm in 1_000..=1_000_000_u32, seed: u64) {
            let first = 1_000_000_u32.div_ceil(ppm) as usize;
            prop_assert!(touched(Percent::from_ppm(ppm), seed, first).contains(&true));
        }
    }
}
