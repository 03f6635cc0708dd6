//! Names for requests, as the original gives them: 20 letters and digits, in ascending order.

use crate::clock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
const LENGTH: u32 = 20;

/// Gives each request a name of its own.
pub(super) struct RequestIds {
    /// Tells this server from others: 40 bits.
    server: u64,
    next: AtomicU32,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        let started = u64::from(clock::since_epoch().subsec_nanos());
        let server = ((started << 16) ^ u64::from(std::process::id())) & 0xff_ffff_ffff;
        Self { server, next: AtomicU32::default() }
    }

    /// Seconds, server and number: 32, 40 and 24 bits, five to a character.
    pub(super) fn next(&self) -> String {
        let number = self.next.fetch_add(1, Relaxed) & 0xff_ffff;
        let seconds = clock::since_epoch().as_secs() & 0xffff_ffff;
        let bits = (u128::from(seconds) << 64 | u128::from(self.server) << 24 | u128::from(number)) << 4;
        let character = |index: u32| {
            let digit = bits >> (5 * (LENGTH - 1 - index)) & 0x1f;
            char::from(ALPHABET[digit as usize])
        };
        (0..LENGTH).map(character).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::RequestIds;

    #[test]
    fn each_request_has_a_name_of_its_own_that_sorts_behind_the_last() {
        let ids = RequestIds::new();
        let names: Vec<_> = (0..100).map(|_| ids.next()).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
        assert!(names.iter().all(|name| name.len() == 20), "{names:?}");
    }
}
