//! What it takes to earn the next stage.

use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::time::Duration;

/// What it takes to earn the next stage. Each event carries the one that was in force when its trial ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Policy {
    /// A stage is earned by being upheld in several runs that upheld the stage before it as well, and lost by one refutation.
    Confirm {
        /// How many times the next stage must be upheld.
        confirmations: NonZeroU32,
        /// How long the next stage is not tried after it was refuted.
        #[serde(rename = "cool_down_ms", with = "millis")]
        cool_down: Duration,
    },
    /// One success earns the next stage, and a failure changes nothing.
    Simple,
}

impl Policy {
    /// How many times the next stage must be upheld.
    #[must_use]
    pub const fn confirmations(self) -> NonZeroU32 {
        match self {
            Self::Confirm { confirmations, .. } => confirmations,
            Self::Simple => NonZeroU32::MIN,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        const THREE: NonZeroU32 = NonZeroU32::new(3).unwrap();
        Self::Confirm { confirmations: THREE, cool_down: Duration::from_secs(72 * 3600) }
    }
}

/// Whole milliseconds, as moments are.
mod millis {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
