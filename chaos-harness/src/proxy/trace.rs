//! What was decided by chance, in order: the same seed and order of connections give the same trace.

use crate::Seed;
use serde::Serialize;

/// How many decisions of a route are kept. Later ones are only counted.
const KEPT: usize = 10_000;

/// The decisions of one route, in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// What they were drawn from.
    pub seed: Seed,
    /// The first of them: at most 10,000.
    pub decisions: Vec<Decision>,
    /// How many there were after those.
    pub dropped: u64,
}

/// Whether a toxic touches a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The connection, by its place in the order in which the route's connections were opened, from 0.
    pub connection: u64,
    /// The toxic.
    pub toxic: String,
    /// What was decided. A toxic with time slices touches every connection, each in its own slices.
    pub touched: bool,
}

impl Trace {
    pub(super) fn new(seed: Seed) -> Self {
        Self { seed, decisions: Vec::new(), dropped: 0 }
    }

    pub(super) fn record(&mut self, connection: u64, toxic: &str, touched: bool) {
        if self.decisions.len() < KEPT {
            self.decisions.push(Decision { connection, toxic: toxic.to_owned(), touched });
        } else {
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_trace_is_cut_and_says_so() {
        let mut trace = Trace::new(Seed::new(1));
        for connection in 0..KEPT as u64 + 5 {
            trace.record(connection, "slow", connection % 2 == 0);
        }
        assert_eq!((trace.decisions.len(), trace.dropped), (KEPT, 5));
        assert_eq!(trace.decisions[3], Decision { connection: 3, toxic: "slow".to_owned(), touched: false });
    }
}
