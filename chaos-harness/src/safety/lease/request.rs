//! What a trial asks for.

use crate::units::Percent;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

/// What a trial is about to put into effect, all of it at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Who asks, for messages.
    pub(crate) trial: String,
    /// The faults, in words.
    pub(crate) faults: Vec<String>,
    /// What of which service each of them touches.
    pub(crate) touched: Vec<Touched>,
    /// How long they are in effect at the least: with less time there is no use in beginning.
    pub(crate) least: Duration,
    /// How long they may be in effect at the most.
    pub(crate) most: Duration,
}

/// What of a service is touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Touched {
    /// Which service. Trials that touch the same one call it the same.
    pub(crate) service: String,
    /// How many instances it has.
    pub(crate) of: NonZeroU32,
    /// The instances that are touched as a whole, counted from 0.
    pub(crate) instances: BTreeSet<u32>,
    /// The share that is touched of the connections to its instances, or of their time.
    pub(crate) share: Percent,
}
