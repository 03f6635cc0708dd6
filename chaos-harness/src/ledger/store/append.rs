//! Adding events: everything is read and understood before anything is written.

use super::files::Files;
use super::write::Writing;
use super::{Change, Changes, Durability, LedgerError};
use crate::ledger::form::Form as _;
use crate::ledger::{Event, ExperimentId, History, State};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is to be written, and what that changes.
pub(super) struct Plan {
    pub(super) changes: Changes,
    writings: Vec<Writing>,
}

impl Plan {
    /// Reads what the events are to be added to.
    pub(super) fn new(folder: &Path, events: Vec<Event>) -> Result<Self, LedgerError> {
        let mut plan = Self { changes: Changes::default(), writings: Vec::new() };
        let mut by_experiment: BTreeMap<ExperimentId, Vec<Event>> = BTreeMap::new();
        for event in events {
            if let Some(reason) = event.problem() {
                return Err(LedgerError::Refused {
                    experiment: Box::new(event.experiment().clone()),
                    reason,
                });
            }
            by_experiment.entry(event.experiment().clone()).or_default().push(event);
        }
        for (experiment, events) in by_experiment {
            plan.add(folder, &experiment, events)?;
        }
        Ok(plan)
    }

    fn add(&mut self, folder: &Path, experiment: &ExperimentId, new: Vec<Event>) -> Result<(), LedgerError> {
        let files = Files::of(folder, experiment);
        let state = files.read_state()?;
        let events = files.read_events()?;
        let there = count(&events.value);
        if let Some(state) = &state
            && state.value.events > there
        {
            let (path, expected) = (files.events(), state.value.events);
            return Err(LedgerError::EventsLost { path, there, expected });
        }
        let known: BTreeSet<_> = events.value.events().iter().map(Event::id).collect();
        let given = new.len();
        let new: Vec<_> =
            History::new(new).events().iter().filter(|event| !known.contains(&event.id())).cloned().collect();
        let added = new.len();
        self.changes.known += given - added;
        let history = History::new(events.value.events().iter().cloned().chain(new));
        let Some(after) = history.state() else { return Ok(()) };
        let is_otherwise = self.write(&files.events(), to_lines(&history), &events.bytes)
            | self.write(&files.state(), after.to_text(), state.as_ref().map_or(b"", |state| &state.bytes));
        if is_otherwise {
            self.changes.changed.push(Change { before: state.map(|state| state.value), after, added });
        }
        Ok(())
    }

    /// Plans to write a file, where it is not so already.
    fn write(&mut self, path: &Path, text: String, before: &[u8]) -> bool {
        let is_otherwise = text.as_bytes() != before;
        if is_otherwise {
            self.writings.push(Writing { path: path.to_owned(), text });
        }
        is_otherwise
    }

    /// Writes.
    pub(super) fn carry_out(self, folder: &Path, durability: Durability) -> Result<Changes, LedgerError> {
        super::write::write_all(folder, self.writings, durability)?;
        Ok(self.changes)
    }
}

/// How many events there are.
pub(super) fn count(history: &History) -> u32 {
    u32::try_from(history.events().len()).unwrap_or(u32::MAX)
}

/// The events as they are stored.
pub(super) fn to_lines(history: &History) -> String {
    history.events().iter().map(|event| event.to_line() + "\n").collect()
}

/// What a state and its events say where one of them was changed by hand, or a merge took one side's.
pub(super) fn difference(state: &State, events: &State) -> String {
    let (said, real) = (&state.earned.number, &events.earned.number);
    if said == real {
        "it is not what its events say".to_owned()
    } else {
        format!("it says that stage {said} is earned, and its events say {real}")
    }
}
