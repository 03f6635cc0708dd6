//! Panics of the test's own code: those of what the harness calls are kept with their place for the report, and not printed
//! as well. The first one ends the experiment, but others may be in flight; shown by each thread they would bury what
//! matters. All others are printed, without what is not to be shown.

use crate::redact::Redactor;
use crate::terminal;
use futures::FutureExt as _;
use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::borrow::Cow;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;

tokio::task_local! {
    /// Where the code that is being polled has panicked.
    static PLACE: Cell<Option<String>>;
}

/// What no panic says: what any trial of this process does not show. A thread may outlive its trial.
static HIDDEN: Mutex<Option<Redactor>> = Mutex::new(None);

/// From now on, no panic shows what this redactor hides.
pub(crate) fn hide(redactor: &Redactor) {
    {
        let mut hidden = HIDDEN.lock().unwrap_or_else(PoisonError::into_inner);
        *hidden = Some(hidden.take().unwrap_or_default().and(redactor));
    }
    install_hook();
}

fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(ToString::to_string);
            if PLACE.try_with(|kept| kept.set(place)).is_err() {
                print(info, &*others);
            }
        }));
    });
}

/// Prints a panic as it would be without this, unless it says what is not to be shown.
fn print(info: &PanicHookInfo<'_>, others: &dyn Fn(&PanicHookInfo<'_>)) {
    let hidden = HIDDEN.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
    let said = panic_message(info.payload());
    let Cow::Owned(shown) = hidden.text(&said) else { return others(info) };
    let thread = thread::current();
    let name = thread.name().unwrap_or("<unnamed>");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => format!("\nstack backtrace:\n{backtrace}"),
        _ => String::new(),
    };
    terminal::tell_at_once(format_args!("\nthread '{name}' panicked at {place}:\n{shown}{backtrace}"));
}

/// Runs the test's own code; where it panics, says what it said and where.
pub(crate) async fn catch<T>(code: impl Future<Output = T>) -> Result<T, String> {
    install_hook();
    PLACE
        .scope(Cell::new(None), async {
            AssertUnwindSafe(code).catch_unwind().await.map_err(|payload| {
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
        let line = line!() + 1;
        let told = catch(async { panic!("no {}", "stock") }).await;
        let told: String = told.map(|never: ()| never).unwrap_err();
        assert!(told.starts_with(&format!("no stock (at {}:{line}:", file!())), "{told}");
    }
}
