//! The record, across runs, of which stage each experiment has earned.
//!
//! A trial writes [`Evidence`]; a recorder makes an `Event` of it and appends it to the [`Ledger`], where the [`State`] of each
//! experiment is what its events say: the same in whatever order they come, and however often. A gate asks a state for its
//! [`Standing`]. What a recorder needs is there with the feature `records`: a test writes evidence and reads states.

mod digest;
#[cfg(feature = "records")]
mod event;
mod evidence;
mod experiment_id;
mod fingerprint;
#[cfg(feature = "records")]
mod fold;
mod form;
#[cfg(any(fuzzing, test))]
#[cfg_attr(not(fuzzing), expect(unreachable_pub, reason = "the fuzz targets reach it"))]
mod fuzzing;
#[cfg(feature = "records")]
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
#[cfg(feature = "records")]
pub use event::{ByHand, Event, EventKind, TrialEvent};
pub use evidence::{
    Evidence, EvidenceStage, Observed, ReachedShare, SourceLocation, TouchedOperations, WriteEvidenceError,
};
#[cfg(feature = "records")]
pub use evidence::{EvidenceError, Gathered, NotCounted};
pub use experiment_id::{ExperimentId, ExperimentIdError};
pub use fingerprint::{Fingerprint, ParseFingerprintError, Part};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use fuzzing::ledger as fuzz_ledger;
#[cfg(feature = "records")]
pub use history::History;
pub use moment::{Moment, ParseMomentError};
pub use origin::{Elsewhere, Origin};
pub use policy::Policy;
pub use run::{Attempt, RunRef};
pub use state::{Counts, Failure, Move, Reset, StageRef, Standing, State};
#[cfg(feature = "records")]
pub use store::{Change, Changes, Mismatch};
pub use store::{Ledger, LedgerError};
