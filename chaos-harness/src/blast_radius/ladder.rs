//! The blast-radius ladder of one experiment, its stages resolved to what they really reach.

use super::reach::{Extent, ScopeError, Unit};
use super::{Risk, Scope, Stage};
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

impl Rung {
    /// How much there is to lose: the most that its stages say, else what the larger of the shares says that it asks
    /// for and that it reaches.
    pub(crate) fn risk(&self) -> Risk {
        let said = std::iter::once(&self.stage).chain(&self.same).filter_map(Stage::said_risk).max();
        let asked = match self.stage.scope() {
            Scope::Share(share) => share.get(),
            Scope::Instances(_) => Percent::ZERO,
        };
        let most = self.extents.iter().map(|extent| extent.share()).fold(asked, Percent::max);
        said.unwrap_or_else(|| Risk::of_share(most))
    }
}

/// The ladder of an experiment, and of a workspace, that names none.
fn built_in() -> [Stage; 4] {
    [
        Stage::instances::<1>().named("single_instance").risk(Risk::Low),
        Stage::percent::<5>().named("small_percentage").risk(Risk::Low),
        Stage::percent::<20>().named("larger_percentage").risk(Risk::Medium),
        Stage::percent::<50>().named("significant_portion").risk(Risk::High),
    ]
}

/// The stages of an experiment that names none: those of the workspace's `ladder`, or of the built-in one where that is
/// empty, that fit what the faults are on. They were not written for it, so what does not fit is passed over.
pub(crate) fn fitted(ladder: &[Stage], units: &[Unit]) -> Vec<Stage> {
    let is_possible = |stage: &&Stage| units.iter().all(|unit| Extent::resolve(stage.scope(), *unit).is_ok());
    let counts = units.iter().all(|unit| matches!(unit, Unit::Instances(_)));
    let fits = |stage: &&Stage| counts || matches!(stage.scope(), Scope::Share(_));
    let chosen = |ladder: &[Stage]| -> Vec<Stage> {
        let mut stages: Vec<_> = ladder.iter().filter(is_possible).filter(fits).cloned().collect();
        if stages.is_empty() {
            // Instances alone, where shares are of something else: all of it, where there is one instance.
            stages.extend(ladder.iter().find(is_possible).cloned());
        }
        if units.iter().all(|unit| *unit == Unit::Instances(NonZeroU32::MIN)) {
            // There is nothing smaller than the only instance, and nothing larger.
            stages.truncate(1);
        }
        stages
    };
    let stages = chosen(ladder);
    if stages.is_empty() { chosen(&built_in()) } else { stages }
}

/// All stages of a ladder, as they would be written to have it again.
pub(crate) fn stages(rungs: &[Rung]) -> Vec<Stage> {
    rungs.iter().flat_map(|rung| std::iter::once(&rung.stage).chain(&rung.same)).cloned().collect()
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

    fn names(stages: &[Stage]) -> Vec<String> {
        stages.iter().map(Stage::name).collect()
    }

    const SHARES: [&str; 3] = ["small_percentage", "larger_percentage", "significant_portion"];

    #[test]
    fn the_built_in_ladder_fits_what_the_fault_is_on() {
        let default = |units: &[Unit]| names(&fitted(&[], units));
        let all = [&["single_instance"], &SHARES[..]].concat();
        assert_eq!(default(&[instances(10)]), all);
        assert_eq!(default(&[instances(3)]), all);
        assert_eq!(default(&[instances(1)]), ["single_instance"]);
        assert_eq!(default(&[Unit::Connections]), SHARES);
        assert_eq!(default(&[Unit::Time(NonZeroU32::MIN)]), SHARES);
        assert_eq!(default(&[instances(1), Unit::Connections]), SHARES);
    }

    #[test]
    fn the_ladder_of_the_workspace_takes_its_place_as_far_as_it_fits() {
        let two = Stage::instances::<2>().named("two");
        let ladder = [two.clone(), share(10).named("tenth"), share(40)];
        let fit = |units: &[Unit]| names(&fitted(&ladder, units));
        assert_eq!(fit(&[instances(10)]), ["two", "tenth", "40_percent"]);
        assert_eq!(fit(&[instances(2)]), ["two", "tenth", "40_percent"]);
        assert_eq!(fit(&[instances(1)]), ["tenth"]);
        assert_eq!(fit(&[Unit::Connections]), ["tenth", "40_percent"]);
        // One that never fits leaves the built-in one.
        assert_eq!(names(&fitted(&[two], &[Unit::Connections])), SHARES);
        let one = Stage::instances::<1>().named("one");
        assert_eq!(names(&fitted(&[one], &[Unit::Connections])), ["one"]);
    }

    #[test]
    fn a_risk_that_is_not_said_is_that_of_the_most_that_is_asked_or_reached() {
        let risk = |stage: Stage, unit| resolve(&[stage], &[("x", unit)]).unwrap()[0].risk();
        assert_eq!(risk(share(5), instances(20)), Risk::Low);
        assert_eq!(risk(share(5), instances(3)), Risk::High);
        assert_eq!(risk(share(60), instances(3)), Risk::Critical);
        assert_eq!(risk(Stage::instances::<1>(), instances(5)), Risk::Medium);
        assert_eq!(risk(Stage::instances::<1>(), Unit::Connections), Risk::Critical);
        assert_eq!(risk(share(5).risk(Risk::Medium), instances(3)), Risk::Medium);
        let merged = [share(5), share(10).risk(Risk::Critical)];
        assert_eq!(resolve(&merged, &[("x", instances(3))]).unwrap()[0].risk(), Risk::Critical);
        let climbs = resolve(&fitted(&[], &[instances(100)]), &[("x", instances(100))]).unwrap();
        let risks: Vec<_> = climbs.iter().map(Rung::risk).collect();
        assert_eq!(risks, [Risk::Low, Risk::Low, Risk::Medium, Risk::High]);
    }

    #[test]
    fn the_stages_of_a_ladder_make_it_again() {
        let faults = [("x", instances(3))];
        let rungs = resolve(&fitted(&[], &[instances(3)]), &faults).unwrap();
        assert_eq!(rungs.len(), 1, "each of them reaches one of three");
        assert_eq!(resolve(&stages(&rungs), &faults), Ok(rungs));
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
        fn a_default_ladder_can_always_be_resolved(
            replicas in prop::collection::vec(0_u32..40, 1..4),
            rising in prop::collection::btree_set(1_u32..=100, 0..5),
            count in 0_u32..10,
        ) {
            let units: Vec<_> = replicas
                .iter()
                .map(|count| NonZeroU32::new(*count).map_or(Unit::Connections, Unit::Instances))
                .collect();
            let faults: Vec<_> = units.iter().map(|unit| ("x", *unit)).collect();
            prop_assert!(resolve(&fitted(&[], &units), &faults).is_ok());
            // So can each other that rises, and names one kind of scope.
            let shares: Vec<_> = rising.iter().map(|percent| share(*percent)).collect();
            prop_assert!(resolve(&fitted(&shares, &units), &faults).is_ok());
            let counted = NonZeroU32::new(count).map(|count| Stage::from(Scope::Instances(count)));
            prop_assert!(resolve(&fitted(counted.as_slice(), &units), &faults).is_ok());
        }
    }
}
