//! Reading a journal that someone wrote: this release, another one, or whoever hands it over.

use crate::experiment::{
    Conclusion, Effect, Halt, Judged, Obstacle, Phase, Plan, Reached, Recovery, UndoResult,
};
use crate::foreign_json::{DEEPEST, is_shallow};
use crate::measure::Summary;
use crate::safety::Forced;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::io::{self, BufRead, Read as _};
use std::time::Duration;

/// Longest line of a journal, in bytes.
const LONGEST_LINE: u64 = 4 << 20;

/// Most lines of a journal.
const MOST_LINES: u64 = 1_000_000;

/// Most bytes of a journal.
const MOST_BYTES: u64 = 1 << 30;

/// A line of a journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When, since the trial began; to the millisecond.
    pub at: Duration,
    /// What happened.
    pub event: PastEvent,
}

/// What a journal says that happened: [`Event`](super::Event) as it is read.
///
/// A plan in it is for reading. Where it is to be run, [`Plan::from_json`] asks whether it can be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PastEvent {
    /// The trial begins.
    Planned {
        /// What was decided before it began.
        plan: Box<Plan>,
        /// Seconds since the Unix epoch.
        at: u64,
    },
    /// A service is ready.
    ServiceReady {
        /// Which.
        service: String,
        /// The addresses of its routes.
        routes: Vec<String>,
    },
    /// A phase begins.
    PhaseStarted {
        /// Which.
        phase: Phase,
        /// How long it is to last.
        lasting: Duration,
    },
    /// A phase was made longer, because its samples could not decide.
    PhaseExtended {
        /// Which.
        phase: Phase,
        /// By how much.
        by: Duration,
    },
    /// A phase is over.
    PhaseEnded {
        /// Which.
        phase: Phase,
        /// What was measured.
        summary: Box<Summary>,
        /// What its thresholds came to.
        judged: Option<Box<Judged>>,
    },
    /// A fault is about to be injected: what undoes it is durable.
    Injecting {
        /// Which.
        fault: String,
        /// Where.
        targets: String,
    },
    /// A fault is in effect, or was found to have none.
    Effect {
        /// What was seen.
        effect: Effect,
    },
    /// How much a fault has reached, at the end of the turbulence.
    Reached {
        /// What was counted.
        reached: Box<Reached>,
    },
    /// A fault was undone.
    Undone {
        /// Which.
        fault: String,
        /// How, where that destroyed what it was on.
        #[serde(default)]
        forced: Option<Forced>,
        /// What went wrong, if anything did.
        failure: Option<String>,
    },
    /// A halt condition was met.
    Halted {
        /// What was seen.
        halt: Halt,
    },
    /// The steady state came back, or did not.
    Recovered {
        /// How.
        recovery: Recovery,
    },
    /// Something stood in the way.
    Obstacle {
        /// What.
        obstacle: Obstacle,
    },
    /// Everything was taken down, or was tried to.
    TakenDown {
        /// What could not be undone as it was meant to be. The conclusion stands.
        undo: UndoResult,
    },
    /// The trial is over.
    Concluded {
        /// What is concluded.
        conclusion: Conclusion,
    },
    /// Something that this release does not know.
    #[serde(skip)]
    Unknown {
        /// What the journal calls it.
        event: String,
        /// What else it says of it.
        fields: Map<String, Value>,
    },
}

/// The names of the events that are known, which is what tells an unknown event from a wrong one.
const KNOWN: [&str; 14] = [
    "planned",
    "service_ready",
    "phase_started",
    "phase_extended",
    "phase_ended",
    "injecting",
    "effect",
    "reached",
    "undone",
    "halted",
    "recovered",
    "obstacle",
    "taken_down",
    "concluded",
];

/// A journal that cannot be read, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file cannot be read.
    #[error("line {line} of the journal cannot be read: {cause}")]
    Read {
        /// The line, from 1.
        line: u64,
        /// Why not.
        cause: io::Error,
    },
    /// A line is no event.
    #[error(
        "line {line} of the journal is no event: {cause}; right would be a JSON object with `t` and `event`"
    )]
    NoEvent {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        cause: String,
    },
    /// It is larger than a journal can be.
    #[error("line {line} of the journal is beyond what is read: {limit}")]
    TooLarge {
        /// The line, from 1.
        line: u64,
        /// The limit, in words.
        limit: String,
    },
}

/// The events of a journal, one by one: never more than a line of it is in memory.
///
/// With the feature `records`.
///
/// A line has at most 4 MiB and is at most 32 arrays and objects deep; a journal has at most a million lines and 1 GiB. It
/// ends at the first error. A last line that breaks off, as a killed process leaves it, is no error: [`torn`] tells of
/// it.
///
/// [`torn`]: JournalReader::torn
///
/// ```
/// use chaos_harness::report::{JournalReader, PastEvent};
///
/// let text = b"{\"t\":7,\"event\":\"service_ready\",\"service\":\"redis\",\"routes\":[]}\n{\"t\":9,\"eve";
/// let mut journal = JournalReader::new(&text[..]);
/// let entry = journal.next().unwrap()?;
/// assert!(matches!(entry.event, PastEvent::ServiceReady { service, .. } if service == "redis"));
/// assert!(journal.next().is_none());
/// assert_eq!(journal.torn(), Some(2));
/// # Ok::<(), chaos_harness::report::JournalError>(())
/// ```
#[derive(Debug)]
pub struct JournalReader<R> {
    source: R,
    limits: Limits,
    /// The last line that was begun, from 1.
    line: u64,
    bytes: u64,
    torn: bool,
    ended: bool,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    line: u64,
    lines: u64,
    bytes: u64,
}

impl<R: BufRead> JournalReader<R> {
    /// Reads from here.
    pub fn new(source: R) -> Self {
        Self::within(source, Limits { line: LONGEST_LINE, lines: MOST_LINES, bytes: MOST_BYTES })
    }

    fn within(source: R, limits: Limits) -> Self {
        Self { source, limits, line: 0, bytes: 0, torn: false, ended: false }
    }

    /// The number of the last line, from 1, where it breaks off: known once all others are read.
    #[must_use]
    pub fn torn(&self) -> Option<u64> {
        self.torn.then_some(self.line)
    }

    fn read(&mut self) -> Result<Option<Entry>, JournalError> {
        self.line += 1;
        let line = self.line;
        let too_large = |limit: String| JournalError::TooLarge { line, limit };
        let mut text = Vec::new();
        // One more than may be, which is how it shows.
        let mut source = self.source.by_ref().take(self.limits.line + 1);
        source.read_until(b'\n', &mut text).map_err(|cause| JournalError::Read { line, cause })?;
        let is_whole = text.pop_if(|last| *last == b'\n').is_some();
        if !is_whole && text.is_empty() {
            return Ok(None);
        }
        let length = text.len() as u64;
        self.bytes += length;
        if length > self.limits.line {
            return Err(too_large(format!("a line has at most {} bytes", self.limits.line)));
        }
        if line > self.limits.lines {
            return Err(too_large(format!("a journal has at most {} lines", self.limits.lines)));
        }
        if self.bytes > self.limits.bytes {
            return Err(too_large(format!("a journal has at most {} bytes", self.limits.bytes)));
        }
        if !is_shallow(&text) {
            return Err(too_large(format!("its arrays and objects are at most {DEEPEST} deep")));
        }
        match entry(&text) {
            Ok(entry) => Ok(Some(entry)),
            Err(_) if !is_whole => {
                self.torn = true;
                Ok(None)
            }
            Err(cause) => Err(JournalError::NoEvent { line, cause }),
        }
    }
}

impl<R: BufRead> Iterator for JournalReader<R> {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

/// What a line says.
fn entry(text: &[u8]) -> Result<Entry, String> {
    let mut fields: Map<String, Value> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let at = fields.remove("t").ok_or("it has no `t`, the milliseconds since the trial began")?;
    let at = at.as_u64().ok_or("`t` is not a whole number of milliseconds")?;
    let name = fields.get("event").ok_or("it has no `event`, the name of what happened")?;
    let name = name.as_str().ok_or("`event` is not a name")?.to_owned();
    let event = if KNOWN.contains(&name.as_str()) {
        let event = serde_json::from_value(Value::Object(fields));
        event.map_err(|error| format!("`{name}`: {error}"))?
    } else {
        fields.remove("event");
        PastEvent::Unknown { event: name, fields }
    };
    Ok(Entry { at: Duration::from_millis(at), event })
}

#[cfg(test)]
mod tests;
