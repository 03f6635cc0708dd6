//! The ladder of an experiment that names none.

use super::ladder::Rung;
use super::reach::{Extent, Unit};
use super::{Risk, Scope, Stage};
use std::num::NonZeroU32;

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

#[cfg(test)]
mod tests;
