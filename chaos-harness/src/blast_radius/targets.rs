//! The instances that a fault touches: at least one.

use serde::Serialize;
use std::collections::BTreeSet;
use std::num::NonZeroU32;

/// The instances that a fault touches, by index: at least one, each once, ascending.
///
/// ```
/// use chaos_harness::Targets;
/// assert_eq!(Targets::try_from(vec![2, 0]).map(|targets| targets.as_slice().to_vec()), Ok(vec![0, 2]));
/// assert!(Targets::try_from(vec![]).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(try_from = "Vec<usize>", into = "Vec<usize>")]
pub struct Targets(Vec<usize>);

/// No instances at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fault touches at least one instance, and none is named")]
pub struct NoTargets;

impl Targets {
    /// The one instance of a service that has no other.
    #[must_use]
    pub fn only() -> Self {
        Self(vec![0])
    }

    /// All instances of a service that has so many.
    pub(crate) fn all(of: NonZeroU32) -> Self {
        Self((0..of.get() as usize).collect())
    }

    /// The indices.
    #[must_use]
    pub fn as_slice(&self) -> &[usize] {
        &self.0
    }
}

impl TryFrom<Vec<usize>> for Targets {
    type Error = NoTargets;

    fn try_from(indices: Vec<usize>) -> Result<Self, NoTargets> {
        let indices = BTreeSet::from_iter(indices);
        if indices.is_empty() { Err(NoTargets) } else { Ok(Self(indices.into_iter().collect())) }
    }
}

impl From<Targets> for Vec<usize> {
    fn from(targets: Targets) -> Self {
        targets.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_targets_are_never_empty_and_never_name_one_twice() {
        assert!(serde_json::from_str::<Targets>("[]").unwrap_err().to_string().contains("at least one"));
        assert_eq!(serde_json::from_str::<Targets>("[3,1,3]").unwrap().as_slice(), [1, 3]);
    }
}
