//! All that is known of one experiment.

use super::{Event, State};

/// The events of one experiment, each once, in the order in which they count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    events: Vec<Event>,
}

impl History {
    /// These events, in whatever order they come, and however often.
    pub fn new(events: impl IntoIterator<Item = Event>) -> Self {
        Self { events: events.into_iter().collect() }
    }

    /// The events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What they come to; `None` where there are none.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        None
    }
}
