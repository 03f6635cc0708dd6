//! The record, across runs, of which stage each experiment has earned.
//!
//! A trial writes [`Evidence`]; a recorder makes an [`Event`] of it and appends it to the [`Ledger`], where the [`State`] of each
//! experiment is what its events say: the same in whatever order they come, and however often. A gate asks a state for its
//! [`Standing`].

mod digest;
mod event;
mod evidence;
mod experiment_id;
mod fingerprint;
mod fold;
mod form;
#[cfg(any(fuzzing, test))]
#[cfg_attr(not(fuzzing), expect(unreachable_pub, reason = "the fuzz targets reach it"))]
mod fuzzing;
mod history;
pub(crate) mod moment;
mod origin;
mod policy;
mod run;
#[cfg(test)]
mod sample;
mod state;
mod store;
mod text;

pub use digest::{Digest, Hasher, ParseDigestError};
pub use event::{ByHand, Event, EventKind, TrialEvent};
pub use evidence::{
    Evidence, EvidenceError, EvidenceStage, Gathered, NotCounted, Observed, ReachedShare, SourceLocation,
    TouchedOperations, WriteEvidenceError,
};
pub use experiment_id::{ExperimentId, ExperimentIdError};
pub use fingerprint::{Fingerprint, ParseFingerprintError, Part};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use fuzzing::ledger as fuzz_ledger;
pub use history::History;
pub use moment::{Moment, ParseMomentError};
pub use origin::{Elsewhere, Origin};
pub use policy::Policy;
pub use run::{Attempt, RunRef};
pub use state::{Counts, Failure, Move, Reset, StageRef, Standing, State};
pub use store::{Change, Changes, Ledger, LedgerError, Mismatch};
