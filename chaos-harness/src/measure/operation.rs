//! One operation of the workload, from its scheduled start to its end.

use super::panics;
use super::phase::Ending;
use crate::BoxError;
use crate::causes::causes;
use crate::clock;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the load runs over and over.
pub(crate) type Operation = Arc<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;

/// The end of an operation.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) number: u64,
    pub(super) latency: Duration,
    pub(super) ending: Ending,
}

/// Runs an operation. Its time-out and its latency count from its scheduled start.
pub(super) async fn run(operation: Operation, number: u64, scheduled: Instant, timeout: Duration) -> Ended {
    let deadline = scheduled + timeout;
    // In a block of its own, so that a panic while the timed-out future is dropped is caught too.
    let guarded = async { tokio::time::timeout_at(deadline.into(), operation()).await };
    let result = panics::catch(guarded).await;
    let latency = clock::now() - scheduled;
    let (latency, ending) = match result {
        Err(panic) => (latency, Ending::Panic(panic)),
        Ok(Err(_elapsed)) => (timeout, Ending::Timeout),
        // It held its thread beyond the deadline: answered, but not in time.
        Ok(Ok(_)) if latency >= timeout => (latency, Ending::Timeout),
        Ok(Ok(Ok(()))) => (latency, Ending::Ok),
        Ok(Ok(Err(error))) => (latency, Ending::Error(causes(error.as_ref()))),
    };
    Ended { number, latency, ending }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_now(timeout: Duration, operation: Operation) -> Ended {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(run(operation, 7, clock::now(), timeout))
    }

    #[test]
    fn a_panic_before_the_first_await_is_caught() {
        let ended = run_now(Duration::from_secs(5), Arc::new(|| panic!("no {}", "stock")));
        assert!(matches!(ended.ending, Ending::Panic(message) if message.starts_with("no stock")));
        assert_eq!(ended.number, 7);
    }

    #[test]
    fn a_panic_while_a_timed_out_operation_is_dropped_is_caught() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        let operation: Operation = Arc::new(|| {
            Box::pin(async {
                let _bomb = Bomb;
                std::future::pending().await
            })
        });
        assert!(matches!(run_now(Duration::from_millis(1), operation).ending, Ending::Panic(_)));
    }

    #[test]
    fn an_answer_after_the_deadline_is_not_in_time() {
        let timeout = Duration::from_millis(10);
        let operation: Operation = Arc::new(|| {
            Box::pin(async {
                clock::block_until(clock::now() + Duration::from_millis(20));
                Ok(())
            })
        });
        let ended = run_now(timeout, operation);
        assert!(matches!(ended.ending, Ending::Timeout));
        assert!(ended.latency >= Duration::from_millis(20), "{:?}", ended.latency);
    }
}
