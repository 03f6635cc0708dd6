//! A while that is another one for each of those who wait.

use chaos_harness::Seed;
use chaos_harness::ledger::Digest;
use std::time::Duration;

/// The longest, of the first try.
const FIRST: u64 = 100;

/// The longest there is.
const LONGEST: u64 = 5_000;

/// Waits before another try.
pub(super) fn wait(tries: u32) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the others are on other machines: nothing here tells when they are done"
    )]
    std::thread::sleep(delay(Seed::fresh(), tries));
}

/// Anything up to a limit that doubles with each try.
fn delay(seed: Seed, tries: u32) -> Duration {
    let limit = FIRST.saturating_mul(1 << tries.min(10)).min(LONGEST);
    // The digest spreads what differs little: the time, and the number of a process.
    let digest = Digest::of(seed.to_string().as_bytes()).to_string();
    Duration::from_millis(u64::from_str_radix(&digest[..12], 16).unwrap_or(0) % limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_differ_and_grow_up_to_a_limit() {
        let delays = |tries| (0..200).map(move |seed| delay(Seed::new(seed), tries)).collect::<Vec<_>>();
        for (tries, limit) in [(1, 200), (3, 800), (40, LONGEST)] {
            let delays = delays(tries);
            let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
            assert!(
                *most < Duration::from_millis(limit) && *most > Duration::from_millis(limit * 8 / 10),
                "{most:?}"
            );
            assert!(*least < Duration::from_millis(limit / 10), "{least:?}");
        }
    }
}
