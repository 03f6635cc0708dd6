//! Whether states are what their events say.

use super::append::{count, difference, to_lines};
use super::files::Files;
use super::write::Writing;
use super::{LedgerError, Mismatch};
use std::path::Path;

/// What is not as it should be, and what mends that.
pub(super) fn compare(folder: &Path) -> Result<(Vec<Mismatch>, Vec<Writing>), LedgerError> {
    let (mut mismatches, mut writings) = (Vec::new(), Vec::new());
    for files in Files::all(folder)? {
        match compare_one(&files) {
            Ok(mended) => {
                for (reason, writing) in mended {
                    mismatches.push(Mismatch { path: writing.path.clone(), reason, can_be_rebuilt: true });
                    writings.push(writing);
                }
            }
            Err(mismatch) => mismatches.push(mismatch),
        }
    }
    Ok((mismatches, writings))
}

/// What is to be written so that the two agree; an error where it is not known what is true.
fn compare_one(files: &Files) -> Result<Vec<(String, Writing)>, Mismatch> {
    let unclear = |path: &Path, error: &LedgerError| {
        let (path, reason) = (path.to_owned(), error.to_string());
        Mismatch { path, reason, can_be_rebuilt: false }
    };
    let events = files.read_events().map_err(|error| unclear(&files.events(), &error))?;
    let state = files.read_state();
    // Without events, nothing is made anew of nothing, and a newer release's file stays.
    let stands = match &state {
        Err(error @ (LedgerError::Newer { .. } | LedgerError::Read { .. } | LedgerError::Foreign { .. })) => {
            return Err(unclear(&files.state(), error));
        }
        Err(_) | Ok(None) => 0,
        Ok(Some(state)) => state.value.events,
    };
    let there = count(&events.value);
    let Some(truth) = events.value.state().filter(|_| there >= stands) else {
        let (path, expected) = (files.events(), stands.max(1));
        return Err(unclear(&files.events(), &LedgerError::EventsLost { path, there, expected }));
    };
    let mut mended = Vec::new();
    let (lines, text) = (to_lines(&events.value), truth.to_text());
    if lines.as_bytes() != events.bytes {
        let writing = Writing { path: files.events(), text: lines };
        mended.push(("its events are not in order, each once, as a merge leaves them".to_owned(), writing));
    }
    let reason = match state {
        Ok(Some(state)) if state.bytes == text.as_bytes() => None,
        Ok(Some(state)) => Some(difference(&state.value, &truth)),
        Ok(None) => Some("there are events, and no state".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    mended.extend(reason.map(|reason| (reason, Writing { path: files.state(), text })));
    Ok(mended)
}
