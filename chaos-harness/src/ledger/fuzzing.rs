//! The readers of what a ledger is made of, for the fuzz targets.

use super::form::{Form, read};
use super::{Event, Evidence, ExperimentId, Fingerprint, History, Moment, State};
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// Reads anything as a state, as events and as evidence: what is read, written again as it was understood, says the same, and
/// what events come to can be read again.
///
/// # Panics
/// It does not.
pub fn ledger(data: &[u8]) {
    if let Ok(state) = State::from_text(data) {
        again(&state, state.to_text().as_bytes());
        let _ = state.standing(&state.fingerprint, Moment::LAST);
    }
    if let Ok(evidence) = read::<Evidence>(data) {
        let text = serde_json::to_vec(&evidence).unwrap_or_else(|error| panic!("{evidence:?}: {error}"));
        again(&evidence, &text);
        if let Ok(event) = evidence.to_event(Moment::LAST) {
            again(&event, event.to_line().as_bytes());
        }
    }
    let events: Vec<_> =
        data.split(|byte| *byte == b'\n').filter_map(|line| Event::from_line(line).ok()).collect();
    for event in &events {
        again(event, event.to_line().as_bytes());
    }
    let backwards = History::new(events.iter().rev().chain(&events).cloned());
    let history = History::new(events);
    assert_eq!(history, backwards);
    if let Some(state) = history.state() {
        let text = state.to_text();
        assert!(text.lines().count() <= 20, "{text}");
        again(&state, text.as_bytes());
    }
    if let Ok(text) = str::from_utf8(data) {
        text_again::<ExperimentId>(text);
        text_again::<Fingerprint>(text);
        text_again::<Moment>(text);
    }
}

fn again<T: Form + Debug + PartialEq>(value: &T, text: &[u8]) {
    let read = read::<T>(text).unwrap_or_else(|error| panic!("{value:?} cannot be read again: {error:?}"));
    assert_eq!(read, *value);
}

fn text_again<T: FromStr<Err: Debug> + Display + Debug + PartialEq>(text: &str) {
    let Ok(value) = text.parse::<T>() else { return };
    let again = value.to_string().parse::<T>().unwrap_or_else(|error| panic!("{value:?}: {error:?}"));
    assert_eq!(again, value);
}

#[cfg(test)]
mod tests {
    use super::ledger;
    use crate::ledger::History;
    use crate::ledger::sample::{evidence, night, promoted, trial};

    #[test]
    fn what_is_written_is_taken_and_so_is_anything_else() {
        let events =
            [night(2, 0).to_vec(), vec![promoted(2, 50), trial(2).run("bad").at(60).refuted().event()]]
                .concat();
        let lines: String = events.iter().map(|event| event.to_line() + "\n").collect();
        ledger(lines.as_bytes());
        ledger(History::new(events).state().unwrap().to_text().as_bytes());
        ledger(&serde_json::to_vec(&evidence()).unwrap());
        ledger(b"shop::chaos::cart::slow");
        ledger(&lines.as_bytes()[..lines.len() / 2]);
    }
}
