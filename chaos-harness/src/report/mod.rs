//! What is kept of a trial, and everything that is printed from it.

#[cfg(fuzzing)]
mod fuzzing;
mod journal;
#[cfg(feature = "records")]
mod past;
mod terminal;
mod without_faults;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use fuzzing::journal as fuzz_journal;
pub use journal::{Event, Journal};
#[cfg(feature = "records")]
pub use past::{Entry, JournalError, JournalReader, PastEvent};
pub use terminal::{Details, Headline, Warnings};
pub use without_faults::WithoutFaults;

use crate::experiment::{Conclusion, Facts, Phase, Plan, UndoResult};
use crate::measure::Summary;
use crate::safety::private;
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

/// What one trial came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Report {
    /// The trial's name.
    pub trial: String,
    /// What was planned.
    pub plan: Plan,
    /// What was measured, phase by phase.
    pub phases: Vec<PhaseReport>,
    /// What was seen.
    pub facts: Facts,
    /// What is concluded from it.
    pub conclusion: Conclusion,
    /// Whether everything is as it was. Beside the conclusion: the one does not change the other.
    #[serde(default)]
    pub undo: UndoResult,
    /// The last lines of the services concerned.
    pub logs: Vec<LogTail>,
    /// Where journal and logs are.
    pub folder: PathBuf,
    /// The command that runs the trial again.
    pub rerun: String,
    /// How long the trial took, all in all.
    pub took: Duration,
    /// How much of that it took until the services were ready.
    pub services_started_in: Duration,
    /// How much of that is neither load nor the start of services nor the test's own code.
    pub overhead: Duration,
}

/// What one phase measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct PhaseReport {
    /// Which phase.
    pub phase: Phase,
    /// How long operations were scheduled.
    pub lasted: Duration,
    /// Whether it was made longer, because the planned samples could not decide.
    pub extended: bool,
    /// What was measured.
    pub summary: Summary,
}

/// The last lines of an instance's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct LogTail {
    /// The instance.
    pub instance: String,
    /// The lines.
    pub lines: Vec<String>,
}

impl Report {
    /// Writes the report, without what is not to be shown, into the trial's folder, as `report.json`.
    pub(crate) fn store(&self) -> io::Result<()> {
        let text = self.plan.redactor().pretty(self)?;
        private::create(&self.folder.join("report.json"))?.write_all(&text)
    }

    /// Whether the workload ran alone, as it was told to (`CHAOS_NO_FAULT`), and its baseline held.
    pub(crate) fn is_without_fault(&self) -> bool {
        !self.plan.inject && self.facts.turbulence.is_some()
    }
}
