//! The file of an experiment's events.

use super::LedgerError;
use super::files::{EVENTS, Files, Stored, explain, read_bounded};
use crate::ledger::{Event, History};
use std::path::PathBuf;

/// Most bytes of an experiment's events: a nightly run makes this many in centuries.
const MOST_OF_EVENTS: usize = 64 << 20;

impl Files {
    pub(super) fn events(&self) -> PathBuf {
        self.called(EVENTS)
    }

    pub(super) fn read_events(&self) -> Result<Stored<History>, LedgerError> {
        let path = &self.events();
        let bytes = read_bounded(path, MOST_OF_EVENTS)?.unwrap_or_default();
        let mut events = Vec::new();
        let lines = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        if !bytes.is_empty() {
            for (line, number) in lines.split(|byte| *byte == b'\n').zip(1..) {
                let event =
                    Event::from_line(line).map_err(|error| explain(error, path, line, number, false))?;
                self.expect(event.experiment(), path, number)?;
                events.push(event);
            }
        }
        Ok(Stored { bytes, value: History::new(events) })
    }
}
