//! Ten replicas, of which some may be dead, hung or slow.
#![expect(clippy::disallowed_methods, reason = "an application reads its own clock")]

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::{
    pin, select,
    time::{Instant, sleep, timeout},
};

use super::{
    backoff::Backoff,
    breaker::{Breaker, Policy},
    budget::RetryBudget,
};
use crate::{
    domain::{DependencyError, Stock},
    stock::StockClient,
};

const ATTEMPTS: usize = 3;
const ATTEMPT_LIMIT: Duration = Duration::from_millis(150);
/// Without an answer for so long, a second replica is asked too and the first answer wins. Reading the stock changes
/// nothing, so it may be asked twice. Nearly all answers come within a few milliseconds.
const HEDGE_AFTER: Duration = Duration::from_millis(15);
/// Between the second failure of a request and its third attempt. After the first one there is no wait: another
/// replica is another chance.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(10), longest: Duration::from_millis(40) };
/// One failure is enough to leave a replica alone: there are others.
const EJECTION: Policy = Policy {
    failures: 1,
    cooling: Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(4) },
    probe_limit: ATTEMPT_LIMIT,
};

#[derive(Debug)]
pub(super) struct Inventory {
    client: StockClient,
    replicas: Vec<Replica>,
    turn: AtomicUsize,
    budget: RetryBudget,
}

#[derive(Debug)]
struct Replica {
    addr: SocketAddr,
    breaker: Breaker,
}

impl Inventory {
    pub(super) async fn connect(replicas: &[SocketAddr]) -> Self {
        Self {
            client: StockClient::connect(replicas).await,
            replicas: replicas
                .iter()
                .map(|&addr| Replica { addr, breaker: Breaker::new(EJECTION) })
                .collect(),
            turn: AtomicUsize::new(0),
            budget: RetryBudget::new(),
        }
    }

    /// Asks one replica; another one where that fails or takes long; and returns the first answer.
    pub(super) async fn stock(&self, sku: &str) -> Result<Stock, DependencyError> {
        self.budget.deposit();
        let mut asked = Vec::with_capacity(ATTEMPTS);
        let mut in_flight = FuturesUnordered::new();
        in_flight.push(self.attempt(self.next_replica(&mut asked), sku));
        let mut attempts_left = ATTEMPTS - 1;
        let mut last_error = None;
        let mut failures = 0;
        let next_attempt = sleep(HEDGE_AFTER);
        pin!(next_attempt);
        loop {
            select! {
                // After a stall of this process both an answer and the timer are due: the answer counts.
                biased;
                Some((replica, outcome)) = in_flight.next() => match outcome {
                    Ok(stock) => {
                        self.answered(replica, &asked);
                        return Ok(stock);
                    }
                    Err(error) => {
                        self.failed(replica, &mut asked);
                        let wait = if failures == 0 { Duration::ZERO } else { BACKOFF.wait(failures - 1) };
                        next_attempt.as_mut().reset(Instant::now() + wait);
                        failures += 1;
                        last_error = Some(error);
                    }
                },
                () = &mut next_attempt, if attempts_left > 0 => {
                    if self.budget.withdraw() {
                        in_flight.push(self.attempt(self.next_replica(&mut asked), sku));
                        attempts_left -= 1;
                        next_attempt.as_mut().reset(Instant::now() + HEDGE_AFTER);
                    } else {
                        attempts_left = 0;
                    }
                }
            }
            if attempts_left == 0
                && in_flight.is_empty()
                && let Some(error) = last_error
            {
                return Err(error);
            }
        }
    }

    /// The next replica in turn that is in good standing and has not been asked; any other if there is none: a replica
    /// under suspicion is still better than no answer.
    fn next_replica(&self, asked: &mut Vec<Asked>) -> usize {
        let now = Instant::now();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.replicas.len();
        let mut others = (0..count)
            .map(|offset| turn.wrapping_add(offset) % count)
            .filter(|replica| asked.iter().all(|other| other.replica != *replica));
        let replica = others
            .clone()
            .find(|&replica| self.replicas[replica].breaker.admits(now.into_std()))
            .or_else(|| others.next())
            .unwrap_or(turn % count);
        asked.push(Asked { replica, at: now, failed: false });
        replica
    }

    async fn attempt(&self, replica: usize, sku: &str) -> (usize, Result<Stock, DependencyError>) {
        let answer = timeout(ATTEMPT_LIMIT, self.client.get(self.replicas[replica].addr, sku)).await;
        let late = DependencyError::TimedOut { dependency: "inventory", limit: ATTEMPT_LIMIT };
        (replica, answer.unwrap_or(Err(late)))
    }

    /// A replica that was overtaken although it had the time that nearly all answers need is as bad as one that failed.
    fn answered(&self, winner: usize, asked: &[Asked]) {
        let now = Instant::now();
        self.replicas[winner].breaker.succeeded();
        for other in asked {
            if other.replica != winner && !other.failed && now - other.at >= HEDGE_AFTER {
                self.replicas[other.replica].breaker.failed(now.into_std());
            }
        }
    }

    fn failed(&self, replica: usize, asked: &mut [Asked]) {
        self.replicas[replica].breaker.failed(Instant::now().into_std());
        for attempt in asked.iter_mut().filter(|attempt| attempt.replica == replica) {
            attempt.failed = true;
        }
    }
}

/// An attempt at a replica, which may be under way.
#[derive(Debug)]
struct Asked {
    replica: usize,
    at: Instant,
    failed: bool,
}
