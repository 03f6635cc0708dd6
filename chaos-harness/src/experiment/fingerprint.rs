//! What of an experiment its proof is about.

use super::Definition;
use crate::blast_radius::Rung;
use crate::ledger::{Digest, Fingerprint, Hasher, Part};
use serde::Serialize;

/// The fingerprint of an experiment and its ladder.
pub(crate) fn fingerprint(definition: &Definition, _rungs: &[Rung]) -> Fingerprint {
    Fingerprint::new([
        (Part::Expect, digest(&(&definition.steady_state, &definition.expect))),
        (Part::Faults, digest(&definition.faults)),
        (Part::Stages, digest(&definition.stages)),
    ])
}

fn digest(value: &impl Serialize) -> Digest {
    let mut hasher = Hasher::new();
    let _ = serde_json::to_writer(&mut hasher, value);
    hasher.digest()
}
