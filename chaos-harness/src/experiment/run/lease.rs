//! What a trial asks leave for before it injects: its plan, in the words of leases.

use crate::blast_radius::{Extent, Reach, Rung};
use crate::experiment::{Definition, Injection, Plan};
use crate::safety::{Limits, Request, Shortage, Touched};
use crate::system::{Instance, ProviderKind, RunningSystem, ServiceName, may_be_touched};
use crate::units::Percent;
use std::num::NonZeroU32;
use std::time::Duration;

/// A phase is made longer by at most so much, and what comes before and after it takes a little, too.
const LONGEST: u32 = super::steps::EXTENSION + 1;

/// Why a stage can never be run under these limits. What it touches is drawn from a seed later: the most it can be counts.
pub(crate) fn refuse(definition: &Definition, rung: &Rung, limits: Limits) -> Option<Shortage> {
    let mut touched: Vec<Touched> = Vec::new();
    for (fault, extent) in definition.faults.iter().zip(&rung.extents) {
        let service = fault.service.as_str();
        let before = touched.iter().filter(|other| other.service == service);
        // As if no two faults met the same instance.
        let first = before.map(|other| u32::try_from(other.instances.len()).unwrap_or(u32::MAX)).sum::<u32>();
        let mut one = nothing_of(service.to_owned(), NonZeroU32::MIN);
        match *extent {
            Extent::Instances { count, of } => {
                one.of = of;
                one.instances = (first..first.saturating_add(count.get())).collect();
            }
            Extent::Connections { share } => one.share = share.get(),
            Extent::Time { share, of } => (one.of, one.share) = (of, share.get()),
        }
        touched.push(one);
    }
    limits.refuse(&request(&definition.name, definition, touched))
}

/// What a plan asks for on a system that runs.
pub(super) fn of_plan(
    trial: &str,
    tag: &str,
    plan: &Plan,
    system: &RunningSystem,
) -> Result<Request, String> {
    let touched = plan.injections.iter().map(|injection| {
        let service = &injection.fault.service;
        Ok(touched(injection, shared_name(service, tag, plan, system)?))
    });
    Ok(request(trial, &plan.definition, touched.collect::<Result<_, String>>()?))
}

/// What all trials that touch the same service call it: what already runs is known by its address, and a trial's own
/// service is nobody else's.
fn shared_name(
    service: &ServiceName,
    tag: &str,
    plan: &Plan,
    system: &RunningSystem,
) -> Result<String, String> {
    let chosen = plan.services.iter().find(|chosen| chosen.name == *service);
    let Some(chosen) = chosen else { return Err(format!("the plan has no service `{service}`")) };
    // It was refused when trials were listed; a plan may come from elsewhere.
    may_be_touched(&chosen.provider.kind).map_err(|cause| cause.to_string())?;
    let address = match chosen.provider.kind {
        // Not as it is written: one service has many names.
        ProviderKind::External { .. } => system.instance(service, 0).map(Instance::upstream),
        _ => None,
    };
    Ok(address.map_or_else(|| format!("{tag}/{service}"), |address| address.to_string()))
}

fn touched(injection: &Injection, service: String) -> Touched {
    let indices = injection.instances().iter().filter_map(|&index| u32::try_from(index).ok());
    match &injection.reach {
        Reach::Instances { of, .. } => Touched { instances: indices.collect(), ..nothing_of(service, *of) },
        Reach::Connections { share } => {
            Touched { share: share.get(), ..nothing_of(service, NonZeroU32::MIN) }
        }
        Reach::Time { share, .. } => {
            let of = u32::try_from(injection.instances().len()).ok().and_then(NonZeroU32::new);
            Touched { share: share.get(), ..nothing_of(service, of.unwrap_or(NonZeroU32::MIN)) }
        }
    }
}

fn nothing_of(service: String, of: NonZeroU32) -> Touched {
    Touched { service, of, instances: std::collections::BTreeSet::new(), share: Percent::ZERO }
}

fn request(trial: &str, definition: &Definition, touched: Vec<Touched>) -> Request {
    let least: Duration = definition.load.turbulence;
    Request {
        trial: trial.to_owned(),
        faults: definition.faults.iter().map(ToString::to_string).collect(),
        touched,
        least,
        most: least.saturating_mul(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Experiment, outline};
    use crate::measure::{Load, metric};
    use crate::system::{System, process};
    use crate::{BoxError, Fault, Stage, fault};

    /// Why the one stage of an experiment with these faults on four inventories is refused.
    fn refused(faults: impl IntoIterator<Item = Fault>, stage: Stage, limits: Limits) -> Option<Shortage> {
        let shop = System::new("shop")
            .service("inventory", process("inventory --port {port}").replicas(4))
            .start(|_| async { Ok::<_, BoxError>(()) });
        let experiment = Experiment::new("survives", shop, |_| async { Ok::<_, BoxError>(()) })
            .load(Load::new().turbulence(Duration::from_secs(10)))
            .steady_state([metric::error_rate().below(Percent::new(10))])
            .inject(faults)
            .expect([metric::error_rate().below(Percent::new(10))])
            .stages([stage]);
        let rungs = outline(experiment.definition(), &[]).expect("it is sound");
        refuse(experiment.definition(), &rungs[0], limits)
    }

    #[test]
    fn a_stage_beyond_a_limit_is_refused_before_it_is_drawn() {
        let (pause, kill) = (|| fault::pause("inventory").into(), || fault::kill("inventory").into());
        let half = Limits { share: Some(Percent::new(50)), ..Limits::default() };
        assert_eq!(refused([pause()], Stage::instances::<2>(), half), None);
        assert!(refused([pause()], Stage::instances::<3>(), half).is_some());
        // They may meet four instances, if they may also meet two.
        assert!(refused([pause(), kill()], Stage::instances::<2>(), half).is_some());
        assert_eq!(refused([pause(), kill()], Stage::instances::<1>(), half), None);

        let one = Limits { faults: NonZeroU32::new(1), ..Limits::default() };
        assert!(refused([pause(), kill()], Stage::instances::<1>(), one).is_some());
        let seconds = |seconds| Limits { time: Some(Duration::from_secs(seconds)), ..Limits::default() };
        assert!(refused([pause()], Stage::instances::<1>(), seconds(9)).is_some());
        assert_eq!(refused([pause()], Stage::instances::<1>(), seconds(10)), None);
    }
}
