//! What a scope comes to on a given service.

use super::Scope;
use crate::chance::Seed;
use crate::units::Percent;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How many of a service's instances, or what share of its connections, a fault touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// This many of the service's instances.
    Instances {
        /// How many are touched.
        count: u32,
        /// How many there are.
        of: u32,
    },
    /// This share of the connections to its one instance.
    Connections {
        /// The share.
        share: Percent,
    },
    /// This share of the time of each connection to all of its instances.
    Time {
        /// The share.
        share: Percent,
        /// How many instances there are.
        of: u32,
    },
}

/// What a fault is on, which decides what a percentage is a percentage of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Whole instances, of which there are this many.
    Instances(u32),
    /// The connections to a single instance.
    Connections,
    /// The time of each connection to all instances, of which there are this many.
    Time(u32),
}

/// Why a scope cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScopeError {
    /// More instances than there are.
    #[error("{asked} instances cannot be touched: there {} {there}", if *.there == 1 { "is" } else { "are" })]
    TooMany {
        /// How many are asked for.
        asked: u32,
        /// How many there are.
        there: u32,
    },
    /// A number of instances, of a fault that acts on a share of time.
    #[error(
        "a fault in slices touches a share of the time of each connection: write the stage as a share, as in `5%`"
    )]
    NoShare,
    /// No instance at all, or 0 %.
    #[error("a stage must touch something: write `1 instance` or more than 0%")]
    Nothing,
    /// The smallest possible share is more than twice what is asked.
    #[error(
        "{asked} of {of} instances is at least one, which is {reached}: more than twice what is asked; \
         write `1 instance` where that is meant"
    )]
    TooCoarse {
        /// The share that is asked for.
        asked: Percent,
        /// How many instances there are.
        of: u32,
        /// The smallest share there is.
        reached: Percent,
    },
}

impl Extent {
    /// What `scope` comes to: a percentage is rounded down to whole instances, but not below one.
    pub(crate) fn resolve(scope: Scope, unit: Unit) -> Result<Self, ScopeError> {
        match (scope, unit) {
            (Scope::Instances(0) | Scope::Share(Percent::ZERO), _) => Err(ScopeError::Nothing),
            (Scope::Instances(1), Unit::Connections) => Ok(Self::Connections { share: Percent::ALL }),
            (Scope::Instances(asked), Unit::Connections) => Err(ScopeError::TooMany { asked, there: 1 }),
            (Scope::Instances(asked), Unit::Instances(there)) if asked > there => {
                Err(ScopeError::TooMany { asked, there })
            }
            (Scope::Instances(count), Unit::Instances(of)) => Ok(Self::Instances { count, of }),
            (Scope::Share(share), Unit::Connections) => Ok(Self::Connections { share }),
            (Scope::Share(share), Unit::Time(of)) => Ok(Self::Time { share, of }),
            (Scope::Instances(_), Unit::Time(_)) => Err(ScopeError::NoShare),
            (Scope::Share(asked), Unit::Instances(of)) => {
                let count = u32::try_from(asked.of_count(of as usize)).unwrap_or(of).max(1);
                let extent = Self::Instances { count, of };
                if extent.share().ppm() > asked.ppm().saturating_mul(2) {
                    return Err(ScopeError::TooCoarse { asked, of, reached: extent.share() });
                }
                Ok(extent)
            }
        }
    }

    /// The share of the service that is touched.
    pub(crate) fn share(self) -> Percent {
        match self {
            Self::Instances { of: 0, .. } => Percent::ZERO,
            Self::Instances { count, of } => Percent::from_fraction(f64::from(count) / f64::from(of)),
            Self::Connections { share } | Self::Time { share, .. } => share,
        }
    }

    /// Which ones: drawn from the seed.
    pub(crate) fn draw(self, seed: Seed, what: &str) -> Reach {
        match self {
            Self::Instances { count, of } => Reach::Instances {
                chosen: seed.stream(&format!("targets/{what}")).choose(count as usize, of as usize),
                of,
            },
            Self::Connections { share } => Reach::Connections { share },
            Self::Time { share, of } => Reach::Time { share, chosen: (0..of as usize).collect() },
        }
    }
}

/// Which instances, or what share of connections, a fault touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// These instances, by index.
    Instances {
        /// The indices, ascending.
        chosen: Vec<usize>,
        /// How many instances there are.
        of: u32,
    },
    /// This share of the connections to the one instance; the proxy chooses them as they come, from the seed.
    Connections {
        /// The share.
        share: Percent,
    },
    /// This share of the time of each connection to each of these instances, which are all there are.
    Time {
        /// The share.
        share: Percent,
        /// The indices, ascending.
        chosen: Vec<usize>,
    },
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instances { of: 1, .. } => f.write_str("its one instance"),
            Self::Instances { chosen, of } => {
                // Instances are numbered from one, as in the names of their logs.
                let numbers: Vec<_> = chosen.iter().map(|index| (index + 1).to_string()).collect();
                write!(f, "{} of {of} instances (number {})", chosen.len(), numbers.join(", "))
            }
            Self::Connections { share } => write!(f, "{share} of connections"),
            Self::Time { share, .. } => write!(f, "{share} of the time of each connection"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_share_rounds_down_but_touches_at_least_one() {
        let resolve = |percent, of| Extent::resolve(Scope::Share(Percent::new(percent)), Unit::Instances(of));
        assert_eq!(resolve(29, 10), Ok(Extent::Instances { count: 2, of: 10 }));
        assert_eq!(resolve(5, 10), Ok(Extent::Instances { count: 1, of: 10 }));
        assert_eq!(resolve(100, 3), Ok(Extent::Instances { count: 3, of: 3 }));
    }

    #[test]
    fn a_share_that_would_reach_more_than_twice_as_far_is_refused() {
        let refused = Extent::resolve(Scope::Share(Percent::new(4)), Unit::Instances(10));
        assert!(matches!(refused, Err(ScopeError::TooCoarse { .. })), "{refused:?}");
        assert!(Extent::resolve(Scope::Share(Percent::new(50)), Unit::Instances(1)).is_ok());
        assert!(Extent::resolve(Scope::Share(Percent::new(49)), Unit::Instances(1)).is_err());
    }

    #[test]
    fn more_instances_than_there_are_and_none_at_all_are_refused() {
        let refused = Extent::resolve(Scope::Instances(3), Unit::Instances(2));
        assert_eq!(refused, Err(ScopeError::TooMany { asked: 3, there: 2 }));
        assert_eq!(Extent::resolve(Scope::Instances(0), Unit::Connections), Err(ScopeError::Nothing));
        assert_eq!(Extent::resolve(Scope::Share(Percent::ZERO), Unit::Connections), Err(ScopeError::Nothing));
    }

    #[test]
    fn a_share_of_time_is_on_all_instances() {
        let extent = Extent::resolve(Scope::Share(Percent::new(5)), Unit::Time(3)).unwrap();
        assert_eq!(extent.share(), Percent::new(5));
        let reach = extent.draw(Seed::new(1), "x");
        assert_eq!(reach, Reach::Time { share: Percent::new(5), chosen: vec![0, 1, 2] });
        assert_eq!(Extent::resolve(Scope::Instances(1), Unit::Time(3)), Err(ScopeError::NoShare));
    }

    #[test]
    fn one_instance_of_a_single_one_is_all_of_its_connections() {
        let extent = Extent::resolve(Scope::Instances(1), Unit::Connections);
        assert_eq!(extent, Ok(Extent::Connections { share: Percent::ALL }));
    }

    proptest! {
        #[test]
        fn what_is_drawn_is_as_much_as_was_resolved(percent in 1_u32..=100, of in 1_u32..200, seed: u64) {
            if let Ok(extent) = Extent::resolve(Scope::Share(Percent::new(percent)), Unit::Instances(of)) {
                let Extent::Instances { count, .. } = extent else { panic!("{extent:?}") };
                let Reach::Instances { chosen, .. } = extent.draw(Seed::new(seed), "x") else { panic!() };
                prop_assert_eq!(chosen.len(), count as usize);
                prop_assert!(chosen.iter().all(|index| *index < of as usize));
            }
        }
    }
}
