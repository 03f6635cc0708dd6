//! What a scope comes to on a given service.

use super::{Scope, Targets};
use crate::chance::Seed;
use crate::units::{Percent, Portion, Share};
use serde::Serialize;
use std::fmt;
use std::num::NonZeroU32;

/// How many of a service's instances, or what share of its connections, a fault touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// This many of the service's instances.
    Instances {
        /// How many are touched.
        count: NonZeroU32,
        /// How many there are.
        of: NonZeroU32,
    },
    /// This share of the connections to its one instance.
    Connections {
        /// The share.
        share: Share,
    },
    /// This share of the time of each connection to all of its instances.
    Time {
        /// The share.
        share: Share,
        /// How many instances there are.
        of: NonZeroU32,
    },
}

/// What a fault is on, which decides what a percentage is a percentage of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Whole instances, of which there are this many.
    Instances(NonZeroU32),
    /// The connections to a single instance.
    Connections,
    /// The time of each connection to all instances, of which there are this many.
    Time(NonZeroU32),
}

/// Why a scope cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScopeError {
    /// More instances than there are.
    #[error("{asked} instances cannot be touched: there {} {there}", if .there.get() == 1 { "is" } else { "are" })]
    TooMany {
        /// How many are asked for.
        asked: NonZeroU32,
        /// How many there are.
        there: NonZeroU32,
    },
    /// A number of instances, of a fault that acts on a share of time.
    #[error(
        "a fault in slices touches a share of the time of each connection: write the stage as a share, as in `5%`"
    )]
    NoShare,
}

impl Extent {
    /// What `scope` comes to: a percentage is rounded down to whole instances, but not below one.
    pub(crate) fn resolve(scope: Scope, unit: Unit) -> Result<Self, ScopeError> {
        match (scope, unit) {
            (Scope::Instances(NonZeroU32::MIN), Unit::Connections) => {
                Ok(Self::Connections { share: Share::ALL })
            }
            (Scope::Instances(asked), Unit::Connections) => {
                Err(ScopeError::TooMany { asked, there: NonZeroU32::MIN })
            }
            (Scope::Instances(asked), Unit::Instances(there)) if asked > there => {
                Err(ScopeError::TooMany { asked, there })
            }
            (Scope::Instances(count), Unit::Instances(of)) => Ok(Self::Instances { count, of }),
            (Scope::Share(share), Unit::Connections) => Ok(Self::Connections { share }),
            (Scope::Share(share), Unit::Time(of)) => Ok(Self::Time { share, of }),
            (Scope::Instances(_), Unit::Time(_)) => Err(ScopeError::NoShare),
            (Scope::Share(asked), Unit::Instances(of)) => {
                let count = u32::try_from(asked.get().of_count(of.get() as usize)).unwrap_or(of.get());
                Ok(Self::Instances { count: NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN), of })
            }
        }
    }

    /// The share of the service that is touched.
    pub(crate) fn share(self) -> Percent {
        match self {
            Self::Instances { count, of } => {
                Percent::from_fraction(f64::from(count.get()) / f64::from(of.get()))
            }
            Self::Connections { share } | Self::Time { share, .. } => share.get(),
        }
    }

    /// Which ones: drawn from the seed.
    pub(crate) fn draw(self, seed: Seed, what: &str) -> Reach {
        match self {
            Self::Instances { count, of } => {
                let mut stream = seed.stream(&format!("targets/{what}"));
                let chosen = stream.choose(count.get() as usize, of.get() as usize);
                // As many as were asked for, which is not none.
                Reach::Instances { chosen: Targets::try_from(chosen).unwrap_or_else(|_| Targets::only()), of }
            }
            Self::Connections { share } => Reach::Connections { share },
            Self::Time { share, of } => Reach::Time { share, chosen: Targets::all(of) },
        }
    }
}

/// As it is told before anything runs: `1 of 3 instances (33 %)`.
impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instances { count, of } => {
                let portion = Portion { hit: count.get().into(), of: of.get().into() };
                f.write_str(&portion.show(" instances"))
            }
            Self::Connections { share } => write!(f, "{share} of connections"),
            Self::Time { share, .. } => write!(f, "{share} of the time of each connection"),
        }
    }
}

/// Which instances, or what share of connections, a fault touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub enum Reach {
    /// These instances, by index.
    Instances {
        /// Which.
        chosen: Targets,
        /// How many instances there are.
        of: NonZeroU32,
    },
    /// This share of the connections to the one instance; the proxy chooses them as they come, from the seed.
    Connections {
        /// The share.
        share: Share,
    },
    /// This share of the time of each connection to each of these instances, which are all there are.
    Time {
        /// The share.
        share: Share,
        /// Which.
        chosen: Targets,
    },
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instances { of: NonZeroU32::MIN, .. } => f.write_str("its one instance"),
            Self::Instances { chosen, of } => {
                // Instances are numbered from one, as in the names of their logs.
                let chosen = chosen.as_slice();
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

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn share(percent: u32) -> Scope {
        Scope::Share(Share::try_from(Percent::new(percent)).unwrap())
    }

    #[test]
    fn a_share_rounds_down_but_touches_at_least_one() {
        let resolve = |percent, of| Extent::resolve(share(percent), Unit::Instances(number(of)));
        let instances = |count, of| Ok(Extent::Instances { count: number(count), of: number(of) });
        assert_eq!(resolve(29, 10), instances(2, 10));
        assert_eq!(resolve(5, 10), instances(1, 10));
        assert_eq!(resolve(5, 3), instances(1, 3));
        assert_eq!(resolve(1, 1), instances(1, 1));
        assert_eq!(resolve(100, 3), instances(3, 3));
    }

    #[test]
    fn more_instances_than_there_are_are_refused() {
        let refused = Extent::resolve(Scope::Instances(number(3)), Unit::Instances(number(2)));
        assert_eq!(refused, Err(ScopeError::TooMany { asked: number(3), there: number(2) }));
    }

    #[test]
    fn a_share_of_time_is_on_all_instances() {
        let extent = Extent::resolve(share(5), Unit::Time(number(3))).unwrap();
        assert_eq!(extent.share(), Percent::new(5));
        let reach = extent.draw(Seed::new(1), "x");
        assert_eq!(reach, Reach::Time { share: Share::percent::<5>(), chosen: Targets::all(number(3)) });
        let one = Scope::Instances(number(1));
        assert_eq!(Extent::resolve(one, Unit::Time(number(3))), Err(ScopeError::NoShare));
    }

    #[test]
    fn one_instance_of_a_single_one_is_all_of_its_connections() {
        let extent = Extent::resolve(Scope::Instances(number(1)), Unit::Connections);
        assert_eq!(extent, Ok(Extent::Connections { share: Share::ALL }));
    }

    proptest! {
        #[test]
        fn what_is_drawn_is_as_much_as_was_resolved(percent in 1_u32..=100, of in 1_u32..200, seed: u64) {
            if let Ok(extent) = Extent::resolve(share(percent), Unit::Instances(number(of))) {
                let Extent::Instances { count, .. } = extent else { panic!("{extent:?}") };
                let Reach::Instances { chosen, .. } = extent.draw(Seed::new(seed), "x") else { panic!() };
                prop_assert_eq!(chosen.as_slice().len(), count.get() as usize);
                prop_assert!(chosen.as_slice().iter().all(|index| *index < of as usize));
            }
        }
    }
}
