//! What can be said of an experiment before anything is started: its ladder, or what is wrong with it.

use super::Definition;
use crate::blast_radius::{LadderError, Rung, Unit, default_stages, resolve};
use crate::fault::{Fault, FaultKind, InstanceFault};
use crate::measure::{LoadProblem, Undecidable, check_decidable};
use crate::system::{ServiceName, ServiceSpec, SpecError, check};
use crate::units::Percent;

/// Something that makes an experiment impossible or meaningless.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Problem {
    /// A fault names a service that the system does not have.
    #[error(
        "`{fault}` names the service `{service}`, which the system `{system}` does not have; it has {known}"
    )]
    UnknownService {
        /// The fault.
        fault: String,
        /// The name.
        service: ServiceName,
        /// The system.
        system: String,
        /// The services it has.
        known: String,
    },
    /// Nothing is injected.
    #[error("nothing is injected: say what is, as in `inject(latency(redis, 200ms))`")]
    NoFault,
    /// A fault leaves no CPU at all, which no backend can do.
    #[error("`{0}` leaves nothing to run on: use `pause` instead")]
    NoCpu(String),
    /// Nothing is expected.
    #[error(
        "the hypothesis has no threshold: say what must hold under the fault, as in `expect(p99 < 500ms)`"
    )]
    NoExpectation,
    /// A confidence at which nothing can be decided.
    #[error("a confidence of {0}% cannot be reached: write one from 50% to 99.99%")]
    Confidence(f64),
    /// The alternatives of a service differ in their number of instances, so that a stage would mean different things.
    #[error(
        "the alternatives of the service `{0}` have different numbers of replicas: write the same number for each"
    )]
    Replicas(ServiceName),
    /// The system cannot be started as it is written.
    #[error(transparent)]
    System(#[from] SpecError),
    /// The load is impossible.
    #[error(transparent)]
    Load(#[from] LoadProblem),
    /// A threshold can never be decided.
    #[error("{clause}: {cause}")]
    Undecidable {
        /// The clause that has it.
        clause: &'static str,
        /// Why not.
        cause: Undecidable,
    },
    /// The ladder cannot be climbed.
    #[error(transparent)]
    Ladder(#[from] LadderError),
}

/// Checks an experiment as it is written, and resolves its ladder. All problems are found at once.
pub(crate) fn outline(definition: &Definition) -> Result<Vec<Rung>, Vec<Problem>> {
    let mut problems: Vec<Problem> = check(&definition.system).into_iter().map(Problem::from).collect();
    problems.extend(definition.load.problems().into_iter().map(Problem::from));
    problems.extend(thresholds(definition));
    if definition.faults.is_empty() {
        problems.push(Problem::NoFault);
    }
    if definition.expect.is_empty() {
        problems.push(Problem::NoExpectation);
    }
    for service in &definition.system.services {
        if service.providers.windows(2).any(|pair| pair[0].replicas != pair[1].replicas) {
            problems.push(Problem::Replicas(service.name.clone()));
        }
    }
    let mut units = Vec::new();
    for fault in &definition.faults {
        if fault.kind == FaultKind::Instance(InstanceFault::StarveCpu { to: Percent::ZERO }) {
            problems.push(Problem::NoCpu(fault.to_string()));
        }
        match definition.system.services.iter().find(|service| service.name == fault.service) {
            Some(service) => units.push((fault.service.as_str(), unit(fault, service))),
            None => problems.push(unknown_service(definition, fault)),
        }
    }
    if units.is_empty() || units.len() != definition.faults.len() {
        return Err(problems);
    }
    let default;
    let stages = if definition.stages.is_empty() {
        default = default_stages(&units.iter().map(|(_, unit)| *unit).collect::<Vec<_>>());
        &default
    } else {
        &definition.stages
    };
    match resolve(stages, &units) {
        Ok(rungs) if problems.is_empty() => Ok(rungs),
        Ok(_) => Err(problems),
        Err(error) => {
            problems.push(error.into());
            Err(problems)
        }
    }
}

/// What a percentage is a percentage of: instances, unless a toxic meets a service that has only one.
fn unit(fault: &Fault, service: &ServiceSpec) -> Unit {
    let replicas = service.providers.first().map_or(1, |provider| provider.replicas);
    match fault.kind {
        FaultKind::Toxic { .. } if replicas == 1 => Unit::Connections,
        FaultKind::Toxic { .. } | FaultKind::Instance(_) => Unit::Instances(replicas),
    }
}

fn thresholds(definition: &Definition) -> Vec<Problem> {
    let confidence = definition.confidence.fraction();
    if !(0.5..=0.9999).contains(&confidence) {
        return vec![Problem::Confidence(confidence * 100.0)];
    }
    let Definition { load, steady_state, expect, .. } = definition;
    let phases = [("steady_state", steady_state, load.baseline), ("expect", expect, load.turbulence)];
    let mut problems = Vec::new();
    for (clause, thresholds, duration) in phases {
        for threshold in thresholds {
            if let Err(cause) = check_decidable(threshold, load.rate, duration, definition.confidence) {
                problems.push(Problem::Undecidable { clause, cause });
            }
        }
    }
    problems
}

fn unknown_service(definition: &Definition, fault: &Fault) -> Problem {
    let known: Vec<_> =
        definition.system.services.iter().map(|service| format!("`{}`", service.name)).collect();
    Problem::UnknownService {
        fault: fault.to_string(),
        service: fault.service.clone(),
        system: definition.system.name.clone(),
        known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Experiment;
    use crate::fault::starve_cpu;
    use crate::system::{System, process};

    #[test]
    fn a_cpu_share_of_nothing_is_a_mistake_and_not_a_lack() {
        let to = |share| {
            let system = System::new("shop")
                .service("redis", process("redis-server --port {port}"))
                .start(async |_| Ok::<_, std::io::Error>(()));
            let experiment = Experiment::new("starved", system, async |_| Ok::<_, std::io::Error>(()))
                .inject([starve_cpu("redis").to(share).into()]);
            outline(experiment.definition()).unwrap_err()
        };
        let mistake = Problem::NoCpu("starve redis to 0% of a CPU".to_owned());
        assert!(to(Percent::ZERO).contains(&mistake));
        assert!(!to(Percent::new(1)).contains(&mistake));
    }
}
