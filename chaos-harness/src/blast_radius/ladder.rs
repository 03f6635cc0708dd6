//! The blast-radius ladder of one experiment, its stages resolved to what they really reach.

use super::reach::{Extent, ScopeError, Unit};
use super::{Risk, Scope, Stage};
use crate::fault::{Amount, Fault};
use crate::units::Percent;

/// One step that reaches something else than the step before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rung {
    /// Its place on the ladder, from 1.
    pub(crate) number: usize,
    /// The stage.
    pub(crate) stage: Stage,
    /// The faults, as strong as they are at this stage.
    pub(crate) faults: Vec<Fault>,
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
    /// A later stage injects a fault less strongly than an earlier one.
    #[error(
        "stage `{later}` makes `{fault}` weaker than stage `{earlier}` before it ({less} after {more}{which_way}): \
         write the stages mildest first"
    )]
    Weakens {
        /// The fault, and its service.
        fault: String,
        /// The stage at which it is stronger.
        earlier: String,
        /// The stage after it, at which it is weaker.
        later: String,
        /// Its magnitude at the earlier one.
        more: Amount,
        /// Its magnitude at the later one.
        less: Amount,
        /// What is to be known of which way it becomes stronger.
        which_way: &'static str,
    },
    /// A stage says how strong a fault is that is either there or not.
    #[error(
        "stage `{stage}`: `{fault}` is there or not, and has no magnitude: let it touch more and more instead, as in \
         `stages(5%, 20%, 50%)`"
    )]
    NoMagnitude {
        /// The stage.
        stage: String,
        /// The fault.
        fault: &'static str,
    },
    /// A stage says how strong a fault is that is not injected.
    #[error(
        "stage `{stage}`: no `{fault}` is injected into `{service}`, whose magnitude could be said: write \
         `inject({fault}({service}, ...))`, or a stage for what is injected ({injected})"
    )]
    NotInjected {
        /// The stage.
        stage: String,
        /// The fault.
        fault: &'static str,
        /// The service.
        service: String,
        /// What is injected.
        injected: String,
    },
}

/// What a stage comes to on one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touch {
    /// The service.
    pub(crate) service: String,
    /// How much of it, in words: `1 of 3 instances (33 %)`, `5% of connections`.
    pub(crate) text: String,
    /// How much of it.
    pub(crate) share: Percent,
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

    /// What it comes to on each service.
    pub(crate) fn touches(&self) -> Vec<Touch> {
        let mut touches: Vec<Touch> = Vec::new();
        for (fault, extent) in self.faults.iter().zip(&self.extents) {
            let touch =
                Touch { service: fault.service.to_string(), text: extent.to_string(), share: extent.share() };
            if !touches.contains(&touch) {
                touches.push(touch);
            }
        }
        touches
    }

    /// What is to be told where it comes to another share than it asks for.
    pub(crate) fn differs(&self) -> Option<String> {
        let differences = self.differences();
        (!differences.is_empty())
            .then(|| format!("asks for {} and touches {}", self.stage.scope(), differences.join(" and ")))
    }

    /// Where it comes to another share than it asks for: what it touches of which service.
    pub(crate) fn differences(&self) -> Vec<String> {
        let Scope::Share(asked) = self.stage.scope() else { return Vec::new() };
        let others = self.touches().into_iter().filter(|touch| touch.share != asked.get());
        others.map(|Touch { service, text, .. }| format!("{text} of `{service}`")).collect()
    }

    /// Whether nothing is less at `next`.
    fn check_rises_to(&self, next: &Self) -> Result<(), LadderError> {
        let (earlier, later) = (self.stage.to_string(), next.stage.to_string());
        for ((before, after), fault) in self.extents.iter().zip(&next.extents).zip(&self.faults) {
            if after.share() < before.share() {
                let (more, less) = (before.share(), after.share());
                return Err(LadderError::Falls {
                    service: fault.service.to_string(),
                    earlier,
                    later,
                    more,
                    less,
                });
            }
        }
        for (before, after) in self.faults.iter().zip(&next.faults) {
            let (Some(stronger), Some(weaker)) = (before.magnitude(), after.magnitude()) else { continue };
            if weaker.strength(stronger).is_lt() {
                return Err(LadderError::Weakens {
                    fault: format!("{} on {}", before.kind.name(), before.service),
                    earlier,
                    later,
                    more: stronger.amount,
                    less: weaker.amount,
                    which_way: if stronger.is_stronger_with_less() {
                        ", and less of it is stronger"
                    } else {
                        ""
                    },
                });
            }
        }
        Ok(())
    }
}

/// A fault, and what a percentage is a percentage of where it goes.
pub(crate) type Aim<'a> = (&'a Fault, Unit);

/// Resolves stages against what each fault is, and what it is on.
pub(crate) fn resolve(stages: &[Stage], faults: &[Aim<'_>]) -> Result<Vec<Rung>, LadderError> {
    let mut rungs: Vec<Rung> = Vec::new();
    for stage in stages {
        let rung = rung(rungs.len() + 1, stage, faults)?;
        if let Some(last) = rungs.last_mut() {
            last.check_rises_to(&rung)?;
            if (&last.extents, &last.faults) == (&rung.extents, &rung.faults) {
                last.same.push(rung.stage);
                continue;
            }
        }
        rungs.push(rung);
    }
    Ok(rungs)
}

fn rung(number: usize, stage: &Stage, faults: &[Aim<'_>]) -> Result<Rung, LadderError> {
    for magnitude in stage.said_magnitudes() {
        check_magnitude(magnitude, stage, faults)?;
    }
    let extent = |(fault, unit): &Aim<'_>| {
        Extent::resolve(stage.scope(), *unit).map_err(|cause| LadderError::Scope {
            stage: stage.to_string(),
            service: fault.service.to_string(),
            cause,
        })
    };
    let strong = |(fault, _): &Aim<'_>| {
        let magnitudes = stage.said_magnitudes().iter().filter(|magnitude| magnitude.is_like(fault));
        magnitudes.fold((*fault).clone(), |fault, magnitude| fault.as_strong_as(magnitude))
    };
    Ok(Rung {
        number,
        stage: stage.clone(),
        faults: faults.iter().map(strong).collect(),
        extents: faults.iter().map(extent).collect::<Result<_, _>>()?,
        same: Vec::new(),
    })
}

/// Whether what a stage says how strong it is can be so.
fn check_magnitude(magnitude: &Fault, stage: &Stage, faults: &[Aim<'_>]) -> Result<(), LadderError> {
    let name = magnitude.kind.name();
    if magnitude.magnitude().is_none() {
        return Err(LadderError::NoMagnitude { stage: stage.to_string(), fault: name });
    }
    if faults.iter().any(|(fault, _)| magnitude.is_like(fault)) {
        return Ok(());
    }
    let injected: Vec<_> = faults.iter().map(|(fault, _)| format!("`{fault}`")).collect();
    Err(LadderError::NotInjected {
        stage: stage.to_string(),
        fault: name,
        service: magnitude.service.to_string(),
        injected: injected.join(", "),
    })
}

#[cfg(test)]
mod tests;
