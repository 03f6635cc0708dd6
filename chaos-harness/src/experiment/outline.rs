//! What can be said of an experiment before anything is started: its ladder, or what is wrong with it.

use super::Definition;
use crate::blast_radius::{Aim, LadderError, Rung, Stage, Unit, fitted, resolve};
use crate::fault::{Fault, FaultKind, InstanceFault};
use crate::measure::{LoadProblem, NoHalt, Undecidable, check_decidable, check_halt};
use crate::proxy::ToxicSpec;
use crate::system::{NotAllowed, ServiceName, ServiceSpec, SpecError, check, may_be_touched, supports};
use crate::units::Percent;
use std::num::NonZeroU32;

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
    /// A fault whose parameters mean nothing.
    #[error("`{fault}`: {reason}")]
    Meaningless {
        /// The fault.
        fault: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A fault that nothing which provides its service can take, on any machine.
    #[error("{0}")]
    Unsupported(String),
    /// A fault goes to what is not this run's own, and was not allowed to.
    #[error("`{fault}`: {cause}")]
    NotAllowed {
        /// The fault.
        fault: String,
        /// What it would go to, and how it is allowed.
        cause: NotAllowed,
    },
    /// Nothing is expected.
    #[error(
        "the hypothesis has no threshold: say what must hold under the fault, as in `expect(p99 < 500ms)`"
    )]
    NoExpectation,
    /// Nothing says what is normal.
    #[error(
        "there is no steady state: say what holds before the faults and again after them, as in \
         `steady_state(p99 < 50ms, error_rate < 1%)`"
    )]
    NoSteadyState,
    /// The steady state is to come back in no time.
    #[error(
        "nothing can recover within 0s: write how long it may take, as in `recover(within = 5s)`, or leave it out"
    )]
    Recover,
    /// A halt condition that does not say when to stop.
    #[error("halt_if: {0}")]
    Halt(#[from] NoHalt),
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

/// Checks an experiment as it is written, and resolves its ladder: where it names none, that of the workspace, or the
/// built-in one where that is empty. All problems are found at once.
pub(crate) fn outline(definition: &Definition, ladder: &[Stage]) -> Result<Vec<Rung>, Vec<Problem>> {
    let mut problems: Vec<Problem> = check(&definition.system).into_iter().map(Problem::from).collect();
    problems.extend(definition.load.problems().into_iter().map(Problem::from));
    problems.extend(thresholds(definition));
    if definition.faults.is_empty() {
        problems.push(Problem::NoFault);
    }
    if definition.expect.is_empty() {
        problems.push(Problem::NoExpectation);
    }
    if definition.steady_state.is_empty() {
        problems.push(Problem::NoSteadyState);
    }
    if definition.recover.within.is_zero() {
        problems.push(Problem::Recover);
    }
    let rate = definition.load.rate;
    problems
        .extend(definition.halt_if.iter().filter_map(|halt| check_halt(halt, rate).err()).map(Problem::from));
    for service in &definition.system.services {
        if service.providers.windows(2).any(|pair| pair[0].replicas != pair[1].replicas) {
            problems.push(Problem::Replicas(service.name.clone()));
        }
    }
    let mut aims: Vec<Aim<'_>> = Vec::new();
    for fault in &definition.faults {
        problems.extend(impossible(fault));
        match definition.system.services.iter().find(|service| service.name == fault.service) {
            Some(service) => {
                aims.extend(unit(fault, service).map(|unit| (fault, unit)));
                problems.extend(not_allowed(fault, service));
                problems.extend(unsupported(fault, service));
            }
            None => problems.push(unknown_service(definition, fault)),
        }
    }
    if aims.is_empty() || aims.len() != definition.faults.len() {
        return Err(problems);
    }
    let default;
    let stages = if definition.stages.is_empty() {
        default = fitted(ladder, &aims.iter().map(|(_, unit)| *unit).collect::<Vec<_>>());
        &default
    } else {
        &definition.stages
    };
    match resolve(stages, &aims) {
        Ok(rungs) => {
            problems.extend(rungs.iter().flat_map(|rung| impossible_at(rung, &definition.faults)));
            if problems.is_empty() { Ok(rungs) } else { Err(problems) }
        }
        Err(error) => {
            problems.push(error.into());
            Err(problems)
        }
    }
}

/// What cannot be injected at a stage, where it differs from what is injected otherwise.
fn impossible_at(rung: &Rung, faults: &[Fault]) -> impl Iterator<Item = Problem> {
    let changed = rung.faults.iter().zip(faults).filter(|(at_stage, fault)| at_stage != fault);
    changed.filter_map(|(at_stage, _)| impossible(at_stage))
}

/// What is wrong with the parameters of a fault.
fn impossible(fault: &Fault) -> Option<Problem> {
    if fault.kind == FaultKind::Instance(InstanceFault::StarveCpu { to: Percent::ZERO }) {
        return Some(Problem::NoCpu(fault.to_string()));
    }
    let FaultKind::Toxic { toxic, stream, slice } = fault.kind else { return None };
    let spec = ToxicSpec { slice, ..ToxicSpec::new("", toxic, stream) };
    let reason = spec.check().err()?;
    Some(Problem::Meaningless { fault: fault.to_string(), reason: reason.to_owned() })
}

/// Why the fault may not go to the service. Also where another provider comes first: elsewhere this one would be used.
fn not_allowed(fault: &Fault, service: &ServiceSpec) -> Option<Problem> {
    // What is done to instances is never done to what already runs, allowed or not.
    let FaultKind::Toxic { .. } = fault.kind else { return None };
    let mut causes = service.providers.iter().filter_map(|provider| may_be_touched(&provider.kind).err());
    causes.next().map(|cause| Problem::NotAllowed { fault: fault.to_string(), cause })
}

/// Why no provider of the service takes the fault. Where one does, it is used.
fn unsupported(fault: &Fault, service: &ServiceSpec) -> Option<Problem> {
    let FaultKind::Instance(kind) = fault.kind else { return None };
    let causes: Option<Vec<_>> =
        service.providers.iter().map(|provider| supports(&provider.kind, kind).err()).collect();
    causes.and_then(|causes| causes.into_iter().next()).map(Problem::Unsupported)
}

/// What a percentage is a percentage of: of time for a toxic in slices, and otherwise of instances, unless a toxic meets a service that has only one.
/// None where the service has no instances, which is a mistake of its own.
fn unit(fault: &Fault, service: &ServiceSpec) -> Option<Unit> {
    let replicas = NonZeroU32::new(service.providers.first().map_or(1, |provider| provider.replicas))?;
    Some(match fault.kind {
        FaultKind::Toxic { slice: Some(_), .. } => Unit::Time(replicas),
        FaultKind::Toxic { .. } if replicas == NonZeroU32::MIN => Unit::Connections,
        FaultKind::Toxic { .. } | FaultKind::Instance(_) => Unit::Instances(replicas),
    })
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
    use crate::experiment::{Experiment, Recover};
    use crate::measure::{Load, metric};
    use crate::system::{Command, Source, System, container, external, process};
    use crate::units::{Bytes, Percent, Rate};
    use crate::{BoxError, fault};
    use std::time::Duration;

    fn experiment(echo: impl Into<Source>) -> Experiment {
        let pair = System::new("pair").service("echo", echo).start(|_| async { Ok::<_, BoxError>(()) });
        Experiment::new("e", pair, |_| async { Ok::<_, BoxError>(()) })
    }

    fn replicas(count: u32) -> Command {
        process("echo --port {port}").replicas(count)
    }

    /// An experiment that nothing is wrong with, but for what `change` changes.
    fn problems(change: impl FnOnce(&mut Definition)) -> Vec<Problem> {
        let experiment = experiment(replicas(10))
            .steady_state([metric::p50().below(Duration::from_millis(50))])
            .inject([fault::latency("echo", Duration::from_millis(5)).into()])
            .expect([metric::p50().below(Duration::from_millis(500))])
            .halt_if([metric::error_rate().above(Percent::new(50))]);
        let mut definition = experiment.definition;
        change(&mut definition);
        outline(&definition, &[]).err().unwrap_or_default()
    }

    /// A sound experiment on ten inventories and one Redis, with this fault.
    fn sound(fault: impl Into<Fault>) -> Experiment {
        let shop = System::new("shop")
            .service("inventory", replicas(10))
            .service("redis", process("redis-server --port {port}"))
            .start(|_| async { Ok::<_, BoxError>(()) });
        judged(Experiment::new("survives", shop, |_| async { Ok::<_, BoxError>(()) })).inject([fault.into()])
    }

    fn judged(experiment: Experiment) -> Experiment {
        let threshold = || [metric::error_rate().below(Percent::new(10))];
        experiment.steady_state(threshold()).expect(threshold())
    }

    fn names(experiment: &Experiment) -> Vec<String> {
        let rungs = outline(experiment.definition(), &[]).expect("it is sound");
        rungs.iter().map(|rung| rung.stage.name()).collect()
    }

    #[test]
    fn a_sound_experiment_has_no_problem() {
        assert_eq!(problems(|_| {}), []);
    }

    #[test]
    fn a_fault_on_a_service_that_is_not_there_is_refused() {
        let problems = problems(|definition| definition.faults.push(fault::down("redis").into()));
        let [problem @ Problem::UnknownService { .. }] = problems.as_slice() else { panic!("{problems:?}") };
        assert!(problem.to_string().ends_with("does not have; it has `echo`"), "{problem}");
    }

    #[test]
    fn an_experiment_without_one_of_its_parts_is_refused() {
        assert_eq!(problems(|definition| definition.faults.clear()), [Problem::NoFault]);
        assert_eq!(problems(|definition| definition.expect.clear()), [Problem::NoExpectation]);
        assert_eq!(problems(|definition| definition.steady_state.clear()), [Problem::NoSteadyState]);
    }

    #[test]
    fn a_recovery_in_no_time_is_refused() {
        assert_eq!(
            problems(|definition| definition.recover = Recover::new().within(Duration::ZERO)),
            [Problem::Recover]
        );
    }

    #[test]
    fn a_halt_condition_that_says_what_should_hold_is_refused() {
        let slip = metric::error_rate().below(Percent::new(50));
        let problems = problems(|definition| definition.halt_if.push(slip));
        let [problem @ Problem::Halt(_)] = problems.as_slice() else { panic!("{problems:?}") };
        assert!(problem.to_string().starts_with("halt_if: `error_rate < 50%`"), "{problem}");
    }

    #[test]
    fn a_confidence_that_cannot_be_reached_is_refused() {
        for percent in [0, 49, 100] {
            let problems = problems(|definition| definition.confidence = Percent::new(percent));
            assert!(matches!(problems.as_slice(), [Problem::Confidence(_)]), "{percent}: {problems:?}");
        }
    }

    #[test]
    fn alternatives_with_different_replicas_are_refused() {
        let uneven = experiment(replicas(10).or(process("other --port {port}").replicas(3)));
        let system = uneven.definition.system;
        assert_eq!(
            problems(|definition| definition.system = system),
            [Problem::Replicas(ServiceName::from("echo"))]
        );
    }

    #[test]
    fn a_service_that_cannot_be_started_is_refused() {
        let system = experiment(process("echo")).definition.system;
        let problems = problems(|definition| {
            definition.system = system;
            definition.stages = vec![Stage::instances::<1>()];
        });
        assert!(matches!(problems.as_slice(), [Problem::System(_)]), "{problems:?}");
    }

    #[test]
    fn a_load_of_nothing_is_refused() {
        let problems = problems(|definition| definition.load = Load::new().rate(Rate::per_second(0)));
        assert!(problems.iter().any(|problem| matches!(problem, Problem::Load(_))), "{problems:?}");
    }

    #[test]
    fn a_threshold_that_the_phase_cannot_decide_is_refused_where_it_stands() {
        let strict = metric::error_rate().below(Percent::from_fraction(0.000_01));
        let undecidable = |problems: &[Problem]| match problems {
            [Problem::Undecidable { clause, .. }] => *clause,
            _ => panic!("{problems:?}"),
        };
        assert_eq!(undecidable(&problems(|definition| definition.expect.push(strict))), "expect");
        assert_eq!(undecidable(&problems(|definition| definition.steady_state.push(strict))), "steady_state");
    }

    #[test]
    fn a_ladder_that_cannot_be_climbed_is_refused() {
        let problems = problems(|definition| definition.stages = vec![Stage::instances::<11>()]);
        assert!(matches!(problems.as_slice(), [Problem::Ladder(_)]), "{problems:?}");
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let problems = problems(|definition| {
            definition.expect.clear();
            definition.steady_state.clear();
            definition.stages = vec![Stage::instances::<11>()];
        });
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    #[test]
    fn the_default_ladder_climbs_instances_where_there_are_several() {
        let climbed = ["single_instance", "larger_percentage", "significant_portion"];
        assert_eq!(names(&sound(fault::kill("inventory"))), climbed);
    }

    #[test]
    fn the_ladder_of_the_workspace_is_climbed_where_the_experiment_names_none() {
        let third = [Stage::percent::<30>().named("third")];
        let names = |experiment: Experiment| {
            let rungs = outline(experiment.definition(), &third).expect("it is sound");
            rungs.iter().map(|rung| rung.stage.name()).collect::<Vec<_>>()
        };
        assert_eq!(names(sound(fault::kill("inventory"))), ["third"]);
        let own = sound(fault::kill("inventory")).stages([Stage::percent::<50>()]);
        assert_eq!(names(own), ["50_percent"]);
    }

    #[test]
    fn a_share_is_of_connections_where_a_toxic_meets_a_single_instance() {
        let reach = |fault: Fault| {
            let experiment = sound(fault).stages([Stage::percent::<20>()]);
            let rungs = outline(experiment.definition(), &[]).expect("it is sound");
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
            let fault = Fault { service: "echo".into(), ..fault };
            outline(judged(experiment(redis)).inject([fault]).definition(), &[])
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
    fn what_this_run_does_not_start_takes_faults_only_where_it_is_allowed() {
        let on = |echo: Source| {
            let slow = fault::latency("echo", Duration::from_millis(5)).into();
            outline(judged(experiment(echo)).inject([slow]).definition(), &[])
        };
        // What is tried first makes no difference: another machine may lack it.
        let process = || process("echo --port {port}");
        let forbidden = || external("db.example.com:5432");
        for refused in [forbidden().into(), process().or(forbidden()), forbidden().or(process())] {
            let problems = on(refused).unwrap_err();
            let [problem @ Problem::NotAllowed { .. }] = problems.as_slice() else { panic!("{problems:?}") };
            let remedy = "write `external(\"db.example.com:5432\").allow_faults()`";
            assert!(problem.to_string().contains(remedy), "{problem}");
        }
        assert!(on(forbidden().allow_faults().into()).is_ok());
        assert!(on(process().or(forbidden().allow_faults())).is_ok());
    }

    #[test]
    fn a_cpu_share_of_nothing_is_a_mistake_and_not_a_lack() {
        let to = |share| outline(sound(fault::starve_cpu("redis").to(share)).definition(), &[]);
        let mistake = Problem::NoCpu("starve redis to 0% of a CPU".to_owned());
        assert_eq!(to(Percent::ZERO).unwrap_err(), [mistake]);
        assert!(to(Percent::new(1)).is_ok());
        let starved = |share| fault::starve_cpu("redis").to(Percent::new(share));
        let falls = sound(starved(5)).stages(Stage::magnitudes([10, 5, 0], starved));
        let mistake = Problem::NoCpu("starve redis to 0% of a CPU".to_owned());
        assert_eq!(outline(falls.definition(), &[]).unwrap_err(), [mistake], "and at a stage of its own");
    }
}
