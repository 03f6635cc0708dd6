//! The test's own code outside the workload, which builds its system and ends it: bounded in time, its panics caught.

use crate::BoxError;
use crate::clock;
use crate::experiment::verdict::{Blame, Obstacle};
use crate::measure;
use crate::safety::Interrupt;
use crate::system::{ErasedSystem, Services, SystemValue};
use crate::units::show_duration;
use std::future::Future;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// How long it may take to build its system on services that are ready, and to end it.
const LIMIT: Duration = Duration::from_secs(30);

/// How long it may take to end its system once the run was interrupted.
const INTERRUPTED: Duration = Duration::from_secs(3);

/// Lets it build its system.
pub(super) async fn start(
    system: &ErasedSystem,
    services: Services,
    workload: &Handle,
    interrupt: &Interrupt,
) -> Result<SystemValue, Obstacle> {
    tokio::select! {
        started = bounded(workload, "build the system", (system.start)(services)) => started,
        signal = interrupt.cancelled() => Err(interrupted(&signal)),
    }
}

/// Lets it end its system.
pub(super) async fn end(
    system: &ErasedSystem,
    value: SystemValue,
    workload: &Handle,
    interrupt: &Interrupt,
) -> Result<(), Obstacle> {
    let hurry = async {
        interrupt.cancelled().await;
        clock::sleep(INTERRUPTED).await;
    };
    tokio::select! {
        ended = bounded(workload, "end the system", (system.stop)(value)) => ended,
        () = hurry => Err(blame(format!(
            "the test's code did not end the system within {} of the interruption",
            show_duration(INTERRUPTED)
        ))),
    }
}

/// The run was interrupted.
pub(super) fn interrupted(signal: &dyn std::fmt::Display) -> Obstacle {
    Obstacle { blame: Blame::Environment, what: format!("interrupted by {signal}") }
}

/// Runs it where it may block. Dropped, it is cut off at its next point of suspension.
async fn bounded<T: Send + 'static>(
    workload: &Handle,
    purpose: &str,
    user_code: impl Future<Output = Result<T, BoxError>> + Send + 'static,
) -> Result<T, Obstacle> {
    // A set of one, since dropping it aborts the task.
    let mut tasks = JoinSet::new();
    tasks.spawn_on(measure::catch_panic(user_code), workload);
    match tokio::time::timeout(LIMIT, tasks.join_next()).await {
        Ok(Some(Ok(Ok(Ok(value))))) => Ok(value),
        Ok(Some(Ok(Ok(Err(error))))) => Err(blame(format!("the test's code could not {purpose}: {error}"))),
        Ok(Some(Ok(Err(panic)))) => Err(blame(format!("the test's code panicked to {purpose}: {panic}"))),
        Ok(Some(Err(lost))) => Err(blame(format!("the test's code was lost to {purpose}: {lost}"))),
        Ok(None) | Err(_) => {
            Err(blame(format!("the test's code did not {purpose} within {}", show_duration(LIMIT))))
        }
    }
}

fn blame(what: String) -> Obstacle {
    Obstacle { blame: Blame::System, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::System;
    use std::future::Ready;

    #[tokio::test]
    async fn a_panic_is_an_obstacle_even_before_there_is_a_future() {
        let system =
            System::new("shop").start(|_| -> Ready<Result<(), BoxError>> { panic!("no schema") }).erase();
        let starting = (system.start)(Services::new(Vec::new()));
        let Err(obstacle) = bounded(&Handle::current(), "build the system", starting).await else {
            panic!("it was built");
        };
        assert_eq!(obstacle.blame, Blame::System);
        let said = "the test's code panicked to build the system: no schema";
        assert!(obstacle.what.starts_with(said), "{}", obstacle.what);
    }
}
