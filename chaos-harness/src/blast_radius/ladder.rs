//! The blast-radius ladder of one experiment, its stages resolved to what they really reach.

use super::Stage;
use super::reach::{Extent, ScopeError, Unit};
use crate::units::Percent;
use std::num::NonZeroU32;

/// One step that reaches something else than the step before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rung {
    /// Its place on the ladder, from 1.
    pub(crate) number: usize,
    /// The stage.
    pub(crate) stage: Stage,
    /// What it comes to on the service of each fault, in the order of the faults.
    pub(crate) extents: Vec<Extent>,
    /// The stages after it that reach just the same, and are run with it.
    pub(crate) same: Vec<Stage>,
}

/// A ladder that cannot be climbed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LadderError {
    /// A stage's scope cannot be had on a service.
    #[error("stage `{stage}` on `{service}`: {cause}")]
    Scope {
        /// The stage's scope.
        stage: String,
        /// The service.
        service: String,
        /// Why not.
        cause: ScopeError,
    },
    /// A later stage reaches less than an earlier one.
    #[error(
        "stage `{later}` reaches less of `{service}` than stage `{earlier}` before it ({less} after {more}): \
         write the stages smallest first"
    )]
    Falls {
        /// The service.
        service: String,
        /// The stage that reaches more.
        earlier: String,
        /// The stage after it, which reaches less.
        later: String,
        /// What the earlier one reaches.
        more: Percent,
        /// What the later one reaches.
        less: Percent,
    },
}

/// The stages of an experiment that names none.
pub(crate) fn default_stages(units: &[Unit]) -> Vec<Stage> {
    let shares = [Stage::percent::<5>(), Stage::percent::<20>(), Stage::percent::<50>()];
    if units.iter().any(|unit| matches!(unit, Unit::Instances(NonZeroU32::MIN))) {
        // There is nothing smaller than the only instance, and nothing larger.
        return vec![Stage::instances::<1>()];
    }
    if units.iter().any(|unit| matches!(unit, Unit::Connections | Unit::Time(_))) {
        return shares.into();
    }
    // A share that a small service cannot be cut into is passed over: the ladder is the harness's own choice here.
    let possible = |stage: &Stage| units.iter().all(|unit| Extent::resolve(stage.scope(), *unit).is_ok());
    std::iter::once(Stage::instances::<1>()).chain(shares.into_iter().filter(possible)).collect()
}

/// Resolves stages against what each fault is on (the service's name, and the unit of its percentages).
pub(crate) fn resolve(stages: &[Stage], faults: &[(&str, Unit)]) -> Result<Vec<Rung>, LadderError> {
    let mut rungs: Vec<Rung> = Vec::new();
    for stage in stages {
        let extents = faults
            .iter()
            .map(|(service, unit)| {
                Extent::resolve(stage.scope(), *unit).map_err(|cause| LadderError::Scope {
                    stage: stage.scope().to_string(),
                    service: (*service).to_owned(),
                    cause,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(last) = rungs.last_mut() {
            for ((before, after), (service, _)) in last.extents.iter().zip(&extents).zip(faults) {
                if after.share() < before.share() {
                    return Err(LadderError::Falls {
                        service: (*service).to_owned(),
                        earlier: last.stage.scope().to_string(),
                        later: stage.scope().to_string(),
                        more: before.share(),
                        less: after.share(),
                    });
                }
            }
            if last.extents == extents {
                last.same.push(stage.clone());
                continue;
            }
        }
        rungs.push(Rung { number: rungs.len() + 1, stage: stage.clone(), extents, same: Vec::new() });
    }
    Ok(rungs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn share(percent: u32) -> Stage {
        Stage::share(Percent::new(percent).try_into().unwrap())
    }

    fn instances(count: u32) -> Unit {
        Unit::Instances(NonZeroU32::new(count).unwrap())
    }

    fn counts(rungs: &[Rung]) -> Vec<u32> {
        rungs
            .iter()
            .map(|rung| match rung.extents[0] {
                Extent::Instances { count, .. } => count.get(),
                Extent::Connections { .. } | Extent::Time { .. } => 0,
            })
            .collect()
    }

    #[test]
    fn stages_that_reach_the_same_are_merged() {
        let stages = [Stage::instances::<1>(), share(5), share(20), share(50)];
        let rungs = resolve(&stages, &[("inventory", instances(10))]).unwrap();
        assert_eq!(counts(&rungs), [1, 2, 5]);
        assert_eq!(rungs[0].same, [share(5)]);
        assert_eq!(rungs[1].number, 2);
    }

    #[test]
    fn a_falling_ladder_is_refused() {
        let falling = resolve(&[share(50), share(20)], &[("redis", Unit::Connections)]);
        let message = falling.unwrap_err().to_string();
        assert!(message.contains("stage `20%` reaches less of `redis` than stage `50%`"), "{message}");
        // One instance of one is all of its connections: 5 % after it is less.
        assert!(resolve(&[Stage::instances::<1>(), share(5)], &[("redis", Unit::Connections)]).is_err());
    }

    #[test]
    fn the_default_ladder_fits_what_the_fault_is_on() {
        assert_eq!(default_stages(&[instances(10)]).len(), 4);
        assert_eq!(default_stages(&[instances(1)]), [Stage::instances::<1>()]);
        assert_eq!(default_stages(&[Unit::Connections]), [share(5), share(20), share(50)]);
        assert_eq!(default_stages(&[instances(3)]), [Stage::instances::<1>(), share(20), share(50)]);
    }

    proptest! {
        #[test]
        fn a_resolved_ladder_always_rises(percents in prop::collection::vec(1_u32..=100, 1..6), of in 1_u32..60) {
            let stages: Vec<_> = percents.iter().map(|percent| share(*percent)).collect();
            if let Ok(rungs) = resolve(&stages, &[("x", instances(of))]) {
                prop_assert!(counts(&rungs).windows(2).all(|pair| pair[0] < pair[1]));
                let listed: usize = rungs.iter().map(|rung| 1 + rung.same.len()).sum();
                prop_assert_eq!(listed, stages.len());
            }
        }

        #[test]
        fn a_default_ladder_can_always_be_resolved(replicas in prop::collection::vec(0_u32..40, 1..4)) {
            let units: Vec<_> = replicas
                .iter()
                .map(|count| NonZeroU32::new(*count).map_or(Unit::Connections, Unit::Instances))
                .collect();
            let faults: Vec<_> = units.iter().map(|unit| ("x", *unit)).collect();
            // A mixture in which one scope means different things may have no common ladder: that is said, not hidden.
            if units.iter().all(|unit| *unit == units[0]) {
                prop_assert!(resolve(&default_stages(&units), &faults).is_ok());
            }
        }
    }
}
