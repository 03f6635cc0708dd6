//! Where an experiment stands, in words.

use chaos_harness::ledger::{Moment, State};

/// `2 of 4 (small_percentage)`.
pub(super) fn of_stage(state: &State) -> String {
    let name = state.earned.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{} of {}{name}", state.earned.number, state.of)
}

/// What the next stage waits for.
pub(super) fn waiting(state: &State) -> String {
    let State { streak, confirmations, pending, .. } = state;
    if state.earned.number >= state.of {
        return "all are earned".to_owned();
    }
    if let Some(until) = state.cooled_until.filter(|until| Moment::now() < *until) {
        return format!("the next is cooling down until {}", until.in_minutes());
    }
    let pending = match pending {
        0 => String::new(),
        1 => ", and 1 that waits for the earned stage".to_owned(),
        many => format!(", and {many} that wait for the earned stage"),
    };
    format!("{streak} of {confirmations} for the next{pending}")
}
