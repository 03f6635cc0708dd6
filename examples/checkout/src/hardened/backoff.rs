//! How long to leave something alone that has failed.

use std::time::Duration;

/// Waits that double from the first to the longest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl Backoff {
    /// The wait after the failure with this number, the first one being 0: between half of the full step and all
    /// of it, so that those who failed together do not come back together.
    pub(super) fn wait(self, failure: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failure);
        let step = self.first.saturating_mul(factor).min(self.longest);
        step.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_millis(10), longest: Duration::from_millis(80) };

    #[test]
    fn the_wait_doubles_and_stays_within_half_a_step() {
        for (failure, step) in [(0, 10), (1, 20), (2, 40), (3, 80)] {
            let step = Duration::from_millis(step);
            let wait = BACKOFF.wait(failure);
            assert!(wait >= step / 2 && wait <= step, "failure {failure}: {wait:?}");
        }
    }

    #[test]
    fn the_wait_is_capped_however_many_failures_there_were() {
        assert!(BACKOFF.wait(u32::MAX) <= BACKOFF.longest);
    }
}
