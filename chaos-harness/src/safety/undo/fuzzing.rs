//! The undo log's reader, for the fuzz targets.

use super::line::Line;
use super::state::{Here, LogState};

/// Reads anything as an undo log: a log that is read, written again as it was understood, says the same.
///
/// # Panics
/// It does not.
pub fn undo_log(data: &[u8]) {
    let Ok(state) = LogState::read(data, &Here::now()) else { return };
    let mut again = Vec::new();
    for (id, entry) in &state.open {
        let (trial, action) = (entry.trial.clone(), entry.action.clone());
        assert!(!format!("{action}").is_empty());
        let line = Line::Intent { id: *id, trial, action }.encode();
        again.extend(line.unwrap_or_else(|error| panic!("{entry:?} cannot be written: {error}")));
    }
    let again = LogState::read(&again[..], &Here::now());
    let again = again.unwrap_or_else(|error| panic!("{state:?} cannot be read again: {error}"));
    assert!(again.unreadable.is_empty());
    let actions =
        |state: &LogState| state.open.values().map(|entry| entry.action.clone()).collect::<Vec<_>>();
    assert_eq!(actions(&again), actions(&state));
}
