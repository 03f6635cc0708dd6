//! What a trial leaves for the ledger: one file each. Tests write evidence, and never the ledger.

#[cfg(feature = "records")]
mod count;
#[cfg(feature = "records")]
mod gather;
mod write;

#[cfg(feature = "records")]
pub use count::NotCounted;
#[cfg(feature = "records")]
pub use gather::{EvidenceError, Gathered};
pub use write::WriteEvidenceError;

#[cfg(feature = "records")]
use super::form::Form;
use super::{Attempt, ExperimentId, Fingerprint, Moment, Origin, Policy, RunRef};
use crate::chance::Seed;
use crate::experiment::Verdict;
use crate::redact::Redactor;
use crate::units::Percent;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What a trial came to, with all that a recorder, a summary and an annotation need of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Evidence {
    /// [`Evidence::SCHEMA`].
    pub schema: u32,
    /// The experiment.
    pub experiment: ExperimentId,
    /// Where it is in the source.
    pub location: SourceLocation,
    /// Its definition.
    pub fingerprint: Fingerprint,
    /// The stage.
    pub stage: EvidenceStage,
    /// The name of the trial.
    pub trial: String,
    /// The profile that it ran under.
    pub profile: String,
    /// What became of the hypothesis.
    pub verdict: Verdict,
    /// Why, where it was not upheld.
    pub why: String,
    /// What was seen of each threshold.
    pub thresholds: Vec<Observed>,
    /// What its choices were drawn from.
    #[serde(with = "super::text")]
    pub seed: Seed,
    /// Which attempt it was.
    pub attempt: Attempt,
    /// When it ended.
    pub at: Moment,
    /// The newest event of the experiment in the ledger that was read.
    pub as_of: Option<Moment>,
    /// The run.
    pub run: RunRef,
    /// What was built.
    pub commit: Option<String>,
    /// Whether there were changes beside it.
    pub dirty: bool,
    /// What started the run, and on which branch.
    pub origin: Origin,
    /// What it takes to earn the next stage.
    pub policy: Policy,
    /// Who approved of the run.
    pub approved_by: Option<String>,
    /// Whether faults were injected at all.
    pub injected: bool,
    /// The journal, from the folder of all runs.
    pub journal: String,
    /// The command that runs it again.
    pub rerun: String,
}

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct SourceLocation {
    /// The file, from the workspace's root.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// The stage of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct EvidenceStage {
    /// Its number, from 1.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// How many there are.
    pub of: usize,
    /// How much it asks for: `5%`.
    pub asked: String,
    /// How much it came to.
    pub reached: Vec<ReachedShare>,
    /// How many operations had a fault in their way, where that is known.
    pub touched: Option<TouchedOperations>,
    /// How much is at stake.
    pub risk: Option<String>,
    /// Whether it counts only where someone approved of it.
    pub needs_approval: bool,
}

/// How much of a service a stage came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct ReachedShare {
    /// The service.
    pub service: String,
    /// In words: `1 of 3 (33 %)`.
    pub text: String,
    /// As a share.
    #[serde(rename = "ppm")]
    pub share: Percent,
}

/// How many operations had a fault in their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct TouchedOperations {
    /// So many.
    pub touched: u64,
    /// Of so many.
    pub of: u64,
}

/// What was seen of a threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Observed {
    /// The threshold.
    pub threshold: String,
    /// What was seen.
    pub observed: String,
    /// Whether it held; `None` where that could not be decided.
    pub held: Option<bool>,
}

impl Evidence {
    /// The form that this release writes, and the only one it reads.
    pub const SCHEMA: u32 = 1;

    /// Writes it below the folder of all runs, as `<run>/<experiment>/<stage>-<attempt>.json`: whole, or not at all, for its
    /// owner's eyes only, and never over another.
    ///
    /// With the feature `records`.
    #[cfg(feature = "records")]
    pub fn write(&self, runs: &Path) -> Result<PathBuf, WriteEvidenceError> {
        self.write_redacted(runs, &Redactor::default())
    }

    /// The same, without what is not to be shown.
    pub(crate) fn write_redacted(
        &self,
        runs: &Path,
        redactor: &Redactor,
    ) -> Result<PathBuf, WriteEvidenceError> {
        write::write(self, runs, redactor)
    }

    /// Reads all evidence below a folder. A file that is none, damaged or of a newer release is told, and passed over.
    ///
    /// With the feature `records`.
    #[cfg(feature = "records")]
    #[must_use]
    pub fn read_all(folder: &Path) -> Gathered {
        gather::gather(folder)
    }

    /// What of it the ledger keeps, by a recorder's clock.
    ///
    /// With the feature `records`.
    #[cfg(feature = "records")]
    pub fn to_event(&self, now: Moment) -> Result<super::Event, NotCounted> {
        count::to_event(self, now)
    }
}

#[cfg(feature = "records")]
impl Form for Evidence {
    const SCHEMA: u32 = Self::SCHEMA;

    fn schema(&self) -> u32 {
        self.schema
    }

    fn problem(&self) -> Option<String> {
        count::trial_event(self).problem()
    }
}
