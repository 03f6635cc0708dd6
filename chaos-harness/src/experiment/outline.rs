//! What can be said of an experiment before anything is started: its ladder, or what is wrong with it.

use super::Definition;
use crate::blast_radius::{LadderError, Rung, Unit, default_stages, resolve};
use crate::fault::{Fault, FaultKind, InstanceFault};
use crate::measure::{LoadProblem, Undecidable, check_decidable};
use crate::system::{ServiceName, ServiceSpec, SpecError, check, supports};
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
    /// A fault that nothing which provides its service can take, on any machine.
    #[error("{0}")]
    Unsupported(String),
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
            Some(service) => {
                units.push((fault.service.as_str(), unit(fault, service)));
                problems.extend(unsupported(fault, service));
            }
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

/// Why no provider of the service takes the fault. Where one does, it is used.
fn unsupported(fault: &Fault, service: &ServiceSpec) -> Option<Problem> {
    let FaultKind::Instance(kind) = fault.kind else { return None };
    let causes: Option<Vec<_>> =
        service.providers.iter().map(|provider| supports(&provider.kind, kind).err()).collect();
    causes.and_then(|causes| causes.into_iter().next()).map(Problem::Unsupported)
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
    use crate::blast_radius::Stage;
    use crate::experiment::Experiment;
    use crate::system::{CargoBin, Source, System, SystemBuilder, cargo_bin, container, external, process};
    use crate::units::Bytes;
    use crate::units::Percent;
    use crate::{BoxError, fault, metric};
    use std::time::Duration;

    fn inventory() -> CargoBin {
        cargo_bin("inventory").replicas(10)
    }

    fn system() -> SystemBuilder {
        System::new("shop").service("inventory", inventory()).service("redis", process("redis --port {port}"))
    }

    /// Without faults, thresholds and stages.
    fn bare(system: SystemBuilder) -> Experiment {
        let system = system.start(|_| async { Ok::<_, BoxError>(()) });
        Experiment::new("survives", system, |_| async { Ok::<_, BoxError>(()) })
    }

    fn sound(fault: impl Into<Fault>) -> Experiment {
        bare(system()).inject([fault.into()]).expect([metric::error_rate().below(Percent::new(10))])
    }

    fn problems(experiment: &Experiment) -> Vec<String> {
        let problems = outline(experiment.definition()).expect_err("it has problems");
        problems.iter().map(ToString::to_string).collect()
    }

    fn names(experiment: &Experiment) -> Vec<String> {
        let rungs = outline(experiment.definition()).expect("it is sound");
        rungs.iter().map(|rung| rung.stage.name()).collect()
    }

    #[test]
    fn an_experiment_that_says_nothing_hears_of_all_that_is_missing() {
        assert_eq!(
            problems(&bare(system())),
            [
                "nothing is injected: say what is, as in `inject(latency(redis, 200ms))`",
                "the hypothesis has no threshold: say what must hold under the fault, as in `expect(p99 < 500ms)`",
            ]
        );
    }

    #[test]
    fn a_service_that_the_system_does_not_have_is_named_with_those_it_has() {
        assert_eq!(
            problems(&sound(fault::kill("stock"))),
            ["`kill stock` names the service `stock`, which the system `shop` does not have; \
                 it has `inventory`, `redis`"]
        );
    }

    #[test]
    fn a_threshold_that_cannot_be_decided_is_refused_with_what_would_do() {
        let experiment = sound(fault::kill("inventory"))
            .steady_state([metric::error_rate().below(Percent::new(1))])
            .expect([metric::p99().point(9, 1).below(Duration::from_secs(1))]);
        // By default 100/s: a baseline of 300 operations decides 1 %, a turbulence of 500 does not decide 0.1 %.
        let [problem] = problems(&experiment).try_into().expect("one problem");
        assert!(problem.starts_with("expect: `p99.9 < 1s` cannot be decided by 500 operations"), "{problem}");
        assert!(problem.contains("2995"), "{problem}");
    }

    #[test]
    fn a_ladder_that_falls_is_refused_beside_other_problems() {
        let experiment = bare(system())
            .inject([fault::kill("inventory").into()])
            .stages([Stage::share(Percent::new(50)), Stage::share(Percent::new(20))]);
        let problems = problems(&experiment);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("the hypothesis has no threshold"), "{problems:?}");
        assert!(problems[1].contains("write the stages smallest first"), "{problems:?}");
    }

    #[test]
    fn a_confidence_that_cannot_be_reached_is_refused() {
        for (confidence, refused) in [(49, true), (50, false), (99, false), (100, true)] {
            let experiment = sound(fault::kill("inventory")).confidence(Percent::new(confidence));
            assert_eq!(outline(experiment.definition()).is_err(), refused, "{confidence}%");
        }
    }

    #[test]
    fn alternatives_must_agree_on_their_replicas() {
        let system = System::new("shop").service("inventory", inventory().or(process("inventory {port}")));
        let experiment = bare(system)
            .inject([fault::kill("inventory").into()])
            .expect([metric::error_rate().below(Percent::new(10))]);
        let [problem] = problems(&experiment).try_into().expect("one problem");
        assert!(
            problem.starts_with("the alternatives of the service `inventory` have different"),
            "{problem}"
        );
    }

    #[test]
    fn the_default_ladder_climbs_instances_where_there_are_several() {
        assert_eq!(names(&sound(fault::kill("inventory"))), ["1_instance", "20_percent", "50_percent"]);
    }

    #[test]
    fn a_share_is_of_connections_where_a_toxic_meets_a_single_instance() {
        let reach = |fault: Fault| {
            let experiment = sound(fault).stages([Stage::share(Percent::new(20))]);
            let rungs = outline(experiment.definition()).expect("it is sound");
            rungs[0].extents.iter().map(|extent| extent.draw(1.into(), "").to_string()).collect::<Vec<_>>()
        };
        let slow = |service: &str| fault::latency(service, Duration::from_millis(5)).into();
        assert_eq!(reach(slow("redis")), ["20% of connections"]);
        assert!(reach(slow("inventory"))[0].starts_with("2 of 10 instances"));
        assert!(reach(fault::kill("inventory").into())[0].starts_with("2 of 10 instances"));
    }

    #[test]
    fn a_fault_that_no_provider_takes_is_refused_and_one_that_some_take_is_not() {
        let on = |redis: Source, fault: Fault| {
            let experiment = bare(System::new("shop").service("redis", redis)).inject([fault]);
            outline(experiment.expect([metric::error_rate().below(Percent::new(10))]).definition())
        };
        let limit = || fault::limit_memory("redis", Bytes::new(1 << 26)).into();
        let image = || container("redis:7").port(6379);
        assert!(on(external("127.0.0.1:6379").into(), fault::kill("redis").into()).is_err());
        assert!(on(image().into(), limit()).is_err());
        assert_eq!(
            on(image().or(process("redis-server --port {port}")), limit()).is_ok(),
            cfg!(target_os = "linux")
        );
    }

    #[test]
    fn a_cpu_share_of_nothing_is_a_mistake_and_not_a_lack() {
        let to = |share| outline(sound(fault::starve_cpu("redis").to(share)).definition());
        let mistake = Problem::NoCpu("starve redis to 0% of a CPU".to_owned());
        assert_eq!(to(Percent::ZERO).unwrap_err(), [mistake]);
        assert!(to(Percent::new(1)).is_ok());
    }
}
