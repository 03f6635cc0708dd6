//! What is kept of each operation.

use serde::Serialize;
use std::time::Duration;

/// One finished operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Its place in the schedule of its phase, from 0.
    pub(crate) number: u64,
    /// When it was to start, since the run began.
    pub(crate) scheduled: Duration,
    /// How much later than that the generator got to it.
    pub(crate) dispatched_late: Duration,
    /// From the scheduled start to the end. An operation that never ended is charged its time-out.
    pub(crate) latency: Duration,
    /// How it ended.
    pub(crate) outcome: Outcome,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It succeeded in time.
    Ok,
    /// It failed with this error.
    Error(ErrorId),
    /// It had not ended at its time-out.
    Timeout,
    /// It was never started: as many as allowed were in flight.
    Overload,
    /// It panicked.
    Panic,
}

impl Sample {
    /// Whether it succeeded in time.
    pub(crate) fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// Whether it had not been answered before `bound`: what never was, was not.
    pub(crate) fn took_at_least(&self, bound: Duration) -> bool {
        match self.outcome {
            Outcome::Ok | Outcome::Error(_) => self.latency >= bound,
            Outcome::Timeout | Outcome::Overload | Outcome::Panic => true,
        }
    }

    /// When its outcome was known, since the run began.
    pub(crate) fn finished(&self) -> Duration {
        match self.outcome {
            Outcome::Overload => self.scheduled + self.dispatched_late,
            Outcome::Ok | Outcome::Error(_) | Outcome::Timeout | Outcome::Panic => {
                self.scheduled + self.latency
            }
        }
    }
}

/// An error message of an [`ErrorTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ErrorId(u8);

/// The distinct error messages of a phase, and how often each was seen.
///
/// Messages often carry an id or a port of their own, so their number is bounded: those that come after the first
/// few are only counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct ErrorTable {
    messages: Vec<ErrorCount>,
    /// Errors whose message has no line of its own.
    other: u64,
}

/// An error message, and how often it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct ErrorCount {
    /// The message, on one line and cut to a bounded length.
    pub message: String,
    /// How many operations ended with it.
    pub count: u64,
}

impl ErrorTable {
    const MAX_MESSAGES: u8 = 32;
    const MAX_CHARS: usize = 200;
    const OTHER: ErrorId = ErrorId(Self::MAX_MESSAGES);

    /// Counts one error.
    pub(crate) fn record(&mut self, message: &str) -> ErrorId {
        self.add(&cut(message), 1)
    }

    /// Takes over the errors of another phase; gives the new id of each of its own.
    pub(crate) fn merge(&mut self, later: &Self) -> impl Fn(ErrorId) -> ErrorId + use<> {
        let ids: Vec<_> = later.messages.iter().map(|line| self.add(&line.message, line.count)).collect();
        self.other += later.other;
        move |id| ids.get(usize::from(id.0)).copied().unwrap_or(Self::OTHER)
    }

    fn add(&mut self, message: &str, count: u64) -> ErrorId {
        for (id, line) in (0..).zip(&mut self.messages) {
            if line.message == message {
                line.count += count;
                return ErrorId(id);
            }
        }
        let id = (0..Self::MAX_MESSAGES).nth(self.messages.len());
        let Some(id) = id else {
            self.other += count;
            return Self::OTHER;
        };
        self.messages.push(ErrorCount { message: message.to_owned(), count });
        ErrorId(id)
    }

    /// The messages, the most frequent first.
    #[must_use]
    pub fn by_count(&self) -> Vec<&ErrorCount> {
        let mut lines: Vec<_> = self.messages.iter().collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.count));
        lines
    }

    /// Errors whose message has no line of its own, because there were too many different ones.
    #[must_use]
    pub fn other(&self) -> u64 {
        self.other
    }

    /// All errors.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.messages.iter().fold(self.other, |sum, line| sum.saturating_add(line.count))
    }
}

/// `message` on one line, cut to a bounded length.
fn cut(message: &str) -> String {
    let words: Vec<_> = message.split_whitespace().collect();
    let mut line = words.join(" ");
    if let Some((end, _)) = line.char_indices().nth(ErrorTable::MAX_CHARS) {
        line.truncate(end);
    }
    line
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A success, as many-th of a phase at 100/s that began with the run.
    pub(crate) fn sample(number: u64, latency: Duration) -> Sample {
        Sample {
            number,
            scheduled: Duration::from_millis(10 * number),
            dispatched_late: Duration::ZERO,
            latency,
            outcome: Outcome::Ok,
        }
    }

    #[test]
    fn messages_are_counted_up_to_a_bounded_number() {
        let mut table = ErrorTable::default();
        for n in 0..100 {
            table.record(&format!("failed {n}"));
            table.record("refused");
        }
        assert_eq!(table.total(), 200);
        assert_eq!(table.messages.len(), 32);
        assert_eq!(table.by_count()[0], &ErrorCount { message: "refused".to_owned(), count: 100 });
        assert_eq!(table.other(), 100 - 31);
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let mut table = ErrorTable::default();
        table.record(&"é\n".repeat(300));
        assert_eq!(table.messages[0].message.chars().count(), 200);
        assert!(!table.messages[0].message.contains('\n'));
    }

    #[test]
    fn merged_tables_keep_their_counts_and_name_their_errors_anew() {
        let (mut first, mut second) = (ErrorTable::default(), ErrorTable::default());
        let reset = first.record("reset");
        second.record("refused");
        let also_reset = second.record("reset");
        let renamed = first.merge(&second);
        assert_eq!(renamed(also_reset), reset);
        assert_eq!(first.total(), 3);
        assert_eq!(first.by_count()[0].count, 2);
        assert_eq!(renamed(ErrorTable::OTHER), ErrorTable::OTHER);
    }

    #[test]
    fn an_operation_that_was_never_answered_is_over_every_bound() {
        let mut sample =
            Sample { dispatched_late: Duration::from_millis(1), ..sample(100, Duration::from_secs(5)) };
        let bound = Duration::from_secs(10);
        assert!(!sample.took_at_least(bound));
        assert_eq!(sample.finished(), Duration::from_secs(6));
        sample.outcome = Outcome::Overload;
        assert!(sample.took_at_least(bound));
        assert_eq!(sample.finished(), Duration::from_millis(1001));
    }
}
