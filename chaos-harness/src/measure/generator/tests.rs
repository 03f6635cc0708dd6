use super::*;
use crate::BoxError;
use crate::measure::sample::Outcome;
use crate::units::Rate;
use futures::future::BoxFuture;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::{Builder, Runtime};

const SPAN: Duration = Duration::from_millis(200);

/// 40 operations in `SPAN`.
fn load() -> Load {
    Load::new().rate(Rate::per_second(200))
}

fn ignore() -> Observer {
    Box::new(|_| ControlFlow::Continue(()))
}

fn workload() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
}

/// The `n`th call answers what `answer` says of it.
fn operation(
    answer: impl Fn(u64) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync + 'static,
) -> Operation {
    let calls = AtomicU64::new(0);
    Arc::new(move || answer(calls.fetch_add(1, Ordering::Relaxed)))
}

fn succeed() -> BoxFuture<'static, Result<(), BoxError>> {
    Box::pin(async { Ok(()) })
}

/// The phase runs beside its workload's runtime, as a blocked workload must not block the test.
fn run(load: Load, operation: Operation, observer: Observer) -> PhaseSamples {
    let workload = workload();
    let generator = Generator::new(workload.handle().clone(), operation, load);
    let mut phase = generator.start(SPAN, observer).unwrap();
    let samples = Builder::new_current_thread().build().unwrap().block_on(phase.wait()).unwrap();
    workload.shutdown_background();
    samples
}

fn count(phase: &PhaseSamples, outcome: Outcome) -> usize {
    phase.samples.iter().filter(|sample| sample.outcome == outcome).count()
}

#[test]
fn every_operation_of_the_schedule_runs_once() {
    let phase = run(load(), operation(|_| succeed()), ignore());
    assert_eq!(phase.end, PhaseEnd::Complete);
    assert_eq!(count(&phase, Outcome::Ok), 40);
    for (n, sample) in (0..).zip(&phase.samples) {
        assert_eq!(sample.number, n);
        let due = phase.samples[0].scheduled + Duration::from_millis(5 * n);
        assert_eq!(sample.scheduled, due, "the schedule has no drift");
        assert!(sample.latency >= sample.dispatched_late);
    }
}

#[test]
fn a_stall_is_seen_by_all_operations_scheduled_during_it() {
    let stall = Duration::from_millis(150);
    let phase = run(
        load(),
        operation(move |n| {
            Box::pin(async move {
                if n == 0 {
                    // The one worker of the workload's runtime.
                    clock::block_until(clock::now() + stall);
                }
                Ok(())
            })
        }),
        ignore(),
    );
    assert_eq!(count(&phase, Outcome::Ok), 40);
    let stalled = phase.samples.iter().filter(|sample| sample.latency >= Duration::from_millis(50)).count();
    assert!(stalled >= 20, "only {stalled} operations saw a stall of {stall:?}");
}

#[test]
fn at_the_limit_operations_fail_by_overload_and_are_not_delayed() {
    let timeout = Duration::from_secs(1);
    let phase = run(load().concurrency(2).timeout(timeout), operation(|_| Box::pin(pending())), ignore());
    assert_eq!(count(&phase, Outcome::Timeout), 2);
    assert_eq!(count(&phase, Outcome::Overload), 38);
    assert!(phase.samples.iter().all(|sample| sample.latency == timeout));
}

#[test]
fn an_operation_without_an_answer_times_out() {
    let timeout = Duration::from_millis(50);
    let phase = run(load().timeout(timeout), operation(|_| Box::pin(pending())), ignore());
    assert_eq!(phase.end, PhaseEnd::Complete);
    assert_eq!(count(&phase, Outcome::Timeout), 40);
}

#[test]
fn an_operation_that_blocks_its_thread_does_not_hold_up_the_phase() {
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(std::sync::Mutex::new(released));
    let blocking = operation(move |_| {
        let released = Arc::clone(&released);
        Box::pin(async move {
            let _ = released.lock().map(|released| released.recv());
            Ok(())
        })
    });
    let phase = run(load().timeout(Duration::from_millis(50)), blocking, ignore());
    drop(release);
    assert_eq!(count(&phase, Outcome::Timeout), 40);
}

#[test]
fn errors_are_counted_by_their_message() {
    let phase = run(load(), operation(|_| Box::pin(async { Err("out of stock".into()) })), ignore());
    let lines: Vec<_> =
        phase.errors.by_count().into_iter().map(|line| (line.message.as_str(), line.count)).collect();
    assert_eq!(lines, [("out of stock", 40)]);
    assert_eq!(phase.summary(load().rate).failed, 40);
}

#[test]
fn a_panic_ends_the_phase_and_says_why() {
    let phase = run(
        load(),
        operation(|n| {
            Box::pin(async move {
                assert!(n != 3, "the cart is empty");
                Ok(())
            })
        }),
        ignore(),
    );
    let PhaseEnd::Panicked(panic) = &phase.end else { panic!("{:?}", phase.end) };
    assert!(panic.starts_with("the cart is empty (at "), "{panic}");
    assert_eq!(count(&phase, Outcome::Panic), 1);
    assert!(phase.samples.len() < 40);
}

#[test]
fn an_observer_sees_operations_as_they_end_and_can_end_the_phase() {
    let mut seen = 0;
    let observer: Observer = Box::new(move |_| {
        seen += 1;
        if seen == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let phase = run(load(), operation(|_| succeed()), observer);
    assert_eq!(phase.end, PhaseEnd::Observed);
    assert_eq!(phase.samples.len(), 5);
}

#[tokio::test]
async fn a_cancelled_phase_ends_at_once_and_aborts_what_is_in_flight() {
    // Each operation in flight holds one.
    let held = Arc::new(());
    let in_operation = Arc::clone(&held);
    let hanging = operation(move |_| {
        let held = Arc::clone(&in_operation);
        Box::pin(async move {
            let never = pending().await;
            drop(held);
            never
        })
    });
    let workload = workload();
    let generator = Generator::new(workload.handle().clone(), hanging, load());
    let hour = Duration::from_secs(3_600);
    let mut phase = generator.start(hour, ignore()).unwrap();
    while Arc::strong_count(&held) < 5 {
        tokio::task::yield_now().await;
    }
    phase.stop();
    let phase = phase.wait().await.unwrap();
    assert_eq!(phase.end, PhaseEnd::Stopped);
    assert_eq!(phase.samples, []);
    // Two are left: this one, and that of the operation itself. A leak would hang here.
    while Arc::strong_count(&held) > 2 {
        tokio::task::yield_now().await;
    }
    workload.shutdown_background();
}
