//! All that is known of one experiment.

use super::{Attempt, Digest, Event, EventKind, Moment, State, fold};

/// The events of one experiment, each once, in the order in which they count.
///
/// With the feature `records`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    events: Vec<Event>,
}

impl History {
    /// These events, in whatever order they come, and however often.
    pub fn new(events: impl IntoIterator<Item = Event>) -> Self {
        let mut events: Vec<_> = events.into_iter().collect();
        events.sort_by(|one, other| place(one).cmp(&place(other)));
        events.dedup_by_key(|event| event.id());
        Self { events }
    }

    /// The events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What they come to; `None` where there are none.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        fold::fold(&self.events)
    }
}

/// Where an event is among others. All of it comes from the event, so that every machine has the same order.
fn place(event: &Event) -> (Moment, &str, usize, Attempt, Digest) {
    let (run, stage, attempt) = match event.kind() {
        EventKind::Trial(trial) => (trial.run.id.as_str(), trial.stage, trial.attempt),
        EventKind::Promoted(by_hand) | EventKind::Demoted(by_hand) => ("", by_hand.to, Attempt::FIRST),
    };
    (event.effective(), run, stage, attempt, event.id())
}
