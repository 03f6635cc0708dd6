//! A limit on extra requests, so that retries cannot turn a slow dependency into an overloaded one.

use std::sync::atomic::{AtomicU32, Ordering};

/// What each ordinary request adds, in hundredths of an extra request.
const DEPOSIT: u32 = 20;
const PRICE: u32 = 100;
/// The most that is saved up: enough for a whole set of replicas to go bad at once.
const LIMIT: u32 = 50 * PRICE;

/// Allows extra requests up to a fifth of the ordinary ones.
#[derive(Debug)]
pub(super) struct RetryBudget(AtomicU32);

impl RetryBudget {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(LIMIT))
    }

    pub(super) fn deposit(&self) {
        let add = |balance| Some(u32::min(balance + DEPOSIT, LIMIT));
        // The closure never declines.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Takes one extra request, if there is one left.
    pub(super) fn withdraw(&self) -> bool {
        let take = |balance: u32| balance.checked_sub(PRICE);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained() -> RetryBudget {
        let budget = RetryBudget::new();
        while budget.withdraw() {}
        budget
    }

    #[test]
    fn five_requests_pay_for_one_extra() {
        let budget = drained();
        for _ in 0..4 {
            budget.deposit();
        }
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }

    #[test]
    fn savings_are_limited() {
        let budget = RetryBudget::new();
        budget.deposit();
        let extra = std::iter::from_fn(|| budget.withdraw().then_some(())).count();
        assert_eq!(extra, 50);
    }
}
