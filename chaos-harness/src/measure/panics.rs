//! Panics of operations: kept with their place for the report, and not printed as well. The first one ends the
//! experiment, but others may be in flight; shown by each thread they would bury what matters.

use futures::FutureExt as _;
use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

tokio::task_local! {
    /// Where the operation that is being polled has panicked.
    static PLACE: Cell<Option<String>>;
}

/// From now on, panics of operations are silent; all others are shown as before.
pub(super) fn keep_quiet() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(ToString::to_string);
            if PLACE.try_with(|kept| kept.set(place)).is_err() {
                others(info);
            }
        }));
    });
}

/// Runs an operation; where it panics, says what it said and where.
pub(super) async fn catch<T>(operation: impl Future<Output = T>) -> Result<T, String> {
    PLACE
        .scope(Cell::new(None), async {
            AssertUnwindSafe(operation).catch_unwind().await.map_err(|payload| {
                let message = panic_message(payload.as_ref());
                match PLACE.try_with(Cell::take) {
                    Ok(Some(place)) => format!("{message} (at {place})"),
                    Ok(None) | Err(_) => message,
                }
            })
        })
        .await
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    message.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_with_its_place() {
        keep_quiet();
        let line = line!() + 1;
        let told = catch(async { panic!("no {}", "stock") }).await;
        let told: String = told.map(|never: ()| never).unwrap_err();
        assert!(told.starts_with(&format!("no stock (at {}:{line}:", file!())), "{told}");
    }
}
