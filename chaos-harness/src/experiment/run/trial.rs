//! One trial from beginning to end.

use super::console::Console;
use super::embedded::EmbeddedRoutes;
#[cfg(feature = "external-toxiproxy")]
use super::external::ExternalRoutes;
use super::live_logs;
use super::routes::ToxicRoutes;
use super::steps::{Measured, Steps};
use crate::clock;
use crate::experiment::verdict::{Blame, Conclusion, Facts, Obstacle, Verdict, conclude};
use crate::experiment::{Experiment, Plan};
use crate::measure::{self, Generator, panic_message};
use crate::proxy::Proxy;
use crate::report::{Event, Journal, LogTail, Report};
use crate::safety::{Guard, Interrupt, Reexec, UndoLog, put_right};
use crate::system::{InstanceState, RunningSystem, StartContext, SystemValue, placeholders};
use crate::units::show_duration;
use futures::FutureExt as _;
use std::collections::BTreeSet;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// How long user code may take to build its system on services that are ready, and to end it.
const USER_CODE: Duration = Duration::from_secs(30);

/// How long it may take to end its system once the run was interrupted.
const INTERRUPTED_USER_CODE: Duration = Duration::from_secs(3);

/// How many lines of a service's log go into a report.
const LOG_LINES: usize = 10;

/// What a trial needs beside its experiment.
pub(crate) struct Setup<'a> {
    pub(crate) plan: Plan,
    /// The trial's name.
    pub(crate) trial: String,
    /// The run's id: the label of everything it starts.
    pub(crate) run: String,
    /// The trial's own folder: it exists, and is empty.
    pub(crate) folder: PathBuf,
    /// The folder of all runs.
    pub(crate) runs: PathBuf,
    /// The file for the undo log, in the trial's folder.
    pub(crate) undo_log: PathBuf,
    /// What marks everything that belongs to this trial, among all runs on this machine.
    pub(crate) tag: String,
    /// The command that runs the trial again.
    pub(crate) rerun: String,
    /// How this program is started again as the guard.
    pub(crate) guard: &'a Reexec,
    pub(crate) interrupt: &'a Interrupt,
    /// Whether services are left up at the end.
    pub(crate) keep: bool,
    /// Whether progress is told on standard error, and not only in the trial's own log.
    pub(crate) live: bool,
    /// What of it is told, in the form of tracing's `RUST_LOG`.
    pub(crate) log: Option<String>,
    /// The server that takes the place of the embedded proxy.
    #[cfg(feature = "external-toxiproxy")]
    pub(crate) toxiproxy: Option<crate::toxiproxy::Source>,
}

/// Runs one trial. Whatever happens in it, what it injected is undone and what it started is ended.
pub(crate) fn run(experiment: &Experiment, setup: Setup<'_>) -> Report {
    let began = clock::now();
    let mut trial =
        Trial { experiment, setup, facts: Facts::default(), measured: Measured::default(), logs: vec![] };
    let conclusion = match trial.prepare() {
        Ok(tools) => trial.conduct(tools),
        Err(obstacle) => {
            trial.facts.obstacles.push(obstacle);
            conclude(&trial.facts)
        }
    };
    let Trial { setup, facts, measured, logs, .. } = trial;
    let took = clock::now().saturating_duration_since(began);
    let accounted = measured.load + measured.services_started_in + measured.user_code;
    Report {
        trial: setup.trial,
        plan: setup.plan,
        phases: measured.phases,
        facts,
        conclusion,
        logs,
        folder: setup.folder,
        rerun: setup.rerun,
        took,
        services_started_in: measured.services_started_in,
        overhead: took.saturating_sub(accounted),
    }
}

struct Trial<'a> {
    experiment: &'a Experiment,
    setup: Setup<'a>,
    facts: Facts,
    measured: Measured,
    logs: Vec<LogTail>,
}

/// What a trial works with, each with threads or a process of its own.
struct Tools {
    console: Console,
    journal: Journal,
    undo: UndoLog,
    guard: Guard,
    routes: Arc<dyn ToxicRoutes>,
    runtime: tokio::runtime::Runtime,
    /// Where the test's own code runs: it may block its threads, but not those on which faults are undone.
    workload: tokio::runtime::Runtime,
}

impl Trial<'_> {
    fn prepare(&self) -> Result<Tools, Obstacle> {
        let folder = &self.setup.folder;
        let harness = |what: &str, cause: &dyn std::fmt::Display| Obstacle {
            blame: Blame::Harness,
            what: format!("{what} in {}: {cause}", folder.display()),
        };
        let console = Console::open(&folder.join("harness.log"), self.setup.live, self.setup.log.as_deref())
            .map_err(|cause| harness("could not write the log", &cause))?;
        let journal = Journal::create(&folder.join("journal.jsonl"))
            .map_err(|cause| harness("could not write the journal", &cause))?;
        let Setup { undo_log, runs, .. } = &self.setup;
        let undo =
            UndoLog::create(undo_log).map_err(|cause| harness("could not write the undo log", &cause))?;
        let guard = Guard::spawn(runs, undo_log, self.setup.guard)
            .map_err(|cause| harness("could not start the guard", &cause))?;
        let threads =
            || console.runtime().map_err(|cause| harness("could not start the trial's threads", &cause));
        let (runtime, workload) = (threads()?, threads()?);
        let routes = self.routes(&undo, &runtime)?;
        Ok(Tools { console, journal, undo, guard, routes, runtime, workload })
    }

    /// The routes of this trial, without any as yet.
    #[cfg_attr(
        not(feature = "external-toxiproxy"),
        expect(unused_variables, reason = "another server's routes need them")
    )]
    fn routes(
        &self,
        undo: &UndoLog,
        runtime: &tokio::runtime::Runtime,
    ) -> Result<Arc<dyn ToxicRoutes>, Obstacle> {
        let injector = |what: String| Obstacle { blame: Blame::Injector, what };
        #[cfg(feature = "external-toxiproxy")]
        if let Some(source) = &self.setup.toxiproxy {
            let opening =
                ExternalRoutes::open(source, &self.setup.plan, &self.setup.run, &self.setup.tag, undo);
            let routes = runtime.block_on(opening).map_err(|cause| injector(cause.to_string()))?;
            return Ok(Arc::new(routes));
        }
        let proxy = Proxy::start(self.setup.plan.seed).map_err(|cause| injector(cause.to_string()))?;
        Ok(Arc::new(EmbeddedRoutes::new(proxy)))
    }

    fn conduct(&mut self, tools: Tools) -> Conclusion {
        let Tools { console, journal, undo, guard, routes, runtime, workload } = tools;
        let telling = console.tell();
        let at = clock::since_epoch().as_secs();
        journal.event(&Event::Planned { plan: &self.setup.plan, at });
        let conclusion = runtime.block_on(self.live(&journal, &undo, &routes, workload.handle()));
        // Operations that never ended hold their threads: they are not waited for.
        workload.shutdown_background();
        runtime.shutdown_background();
        drop(routes);
        // Where something could not be undone the guard tries once more: dropped, it acts.
        if undo.open().is_empty() {
            guard.dismiss();
        }
        drop(telling);
        conclusion
    }

    async fn live(
        &mut self,
        journal: &Journal,
        undo: &UndoLog,
        routes: &Arc<dyn ToxicRoutes>,
        workload: &Handle,
    ) -> Conclusion {
        let context = StartContext {
            run: self.setup.run.clone(),
            trial: self.setup.tag.clone(),
            log_dir: self.setup.folder.clone(),
            undo: undo.clone(),
            routes: Arc::<dyn ToxicRoutes>::clone(routes),
            keep: self.setup.keep,
        };
        tracing::info!("{}: starting {}", self.setup.trial, names(&self.setup.plan));
        let interrupt = self.setup.interrupt;
        let began = clock::now();
        let services = self.setup.plan.services.clone();
        let started = tokio::select! {
            started = crate::system::start(services, context) => started.map_err(|error| Obstacle {
                blame: Blame::Environment,
                what: error.to_string(),
            }),
            signal = interrupt.cancelled() => Err(interrupted(&signal)),
        };
        let conclusion = match started {
            Ok(system) => {
                self.measured.services_started_in = clock::now().saturating_duration_since(began);
                self.on(&system, &**routes, journal, undo, workload).await
            }
            Err(obstacle) => {
                self.meets(obstacle, journal);
                self.record(journal)
            }
        };
        // Whatever is open here was cut off in the middle: a start that was interrupted, an undo that failed.
        let closed = routes.close().await;
        let left = if self.setup.keep { Vec::new() } else { put_right(undo).await };
        let left = left.iter().map(|failure| format!("could not {}: {}", failure.action, failure.error));
        let left = closed.into_iter().chain(left).collect();
        Self::add_leftovers(conclusion, left, journal)
    }

    async fn on(
        &mut self,
        system: &RunningSystem,
        routes: &dyn ToxicRoutes,
        journal: &Journal,
        undo: &UndoLog,
        workload: &Handle,
    ) -> Conclusion {
        for service in system.services().iter() {
            let routes = service.addrs().iter().map(ToString::to_string).collect();
            journal.event(&Event::ServiceReady { service: service.name().as_str(), routes });
        }
        let _told =
            self.setup.live.then(|| live_logs::follow(&self.setup.folder, labels(system, &self.setup.plan)));
        let building = clock::now();
        let starting =
            bounded(workload, (self.experiment.system.start)(system.services()), "build the system");
        let started = tokio::select! {
            started = starting => started,
            signal = self.setup.interrupt.cancelled() => Err(interrupted(&signal)),
        };
        match started {
            Ok(value) => {
                self.measured.user_code = clock::now().saturating_duration_since(building);
                self.experiment_on(system, routes, &value, journal, workload).await;
                let ending = bounded(workload, (self.experiment.system.stop)(value), "end the system");
                let interrupt = self.setup.interrupt;
                let hurry = async {
                    interrupt.cancelled().await;
                    clock::sleep(INTERRUPTED_USER_CODE).await;
                };
                let ended = tokio::select! {
                    ended = ending => ended,
                    () = hurry => Err(Obstacle {
                        blame: Blame::System,
                        what: format!(
                            "the test's code did not end the system within {} of the interruption",
                            show_duration(INTERRUPTED_USER_CODE)
                        ),
                    }),
                };
                if let Err(obstacle) = ended {
                    self.meets(obstacle, journal);
                }
            }
            Err(obstacle) => self.meets(obstacle, journal),
        }
        let mut conclusion = self.record(journal);
        let ended = self.ended_by_themselves(system).await;
        if conclusion.verdict == Verdict::Upheld {
            for what in &ended {
                tracing::warn!("{what}");
            }
        } else {
            conclusion.reasons.extend(ended);
            self.logs = self.log_tails(system);
        }
        if self.setup.keep {
            for line in system.describe().await {
                eprintln!("chaos: kept: {line}");
            }
            eprintln!("chaos: the routes to services end with this trial: only these addresses are left");
            for (service, other) in cut_off_from(&self.setup.plan) {
                eprintln!(
                    "chaos: `{service}` was started with the route to `{other}`, and can no longer reach it"
                );
            }
            if let Err(cause) = undo.close_all_kept() {
                tracing::warn!("what was kept could not be struck off the undo log: {cause}");
            }
            return conclusion;
        }
        let left = system.stop().await.iter().map(ToString::to_string).collect();
        Self::add_leftovers(conclusion, left, journal)
    }

    /// The phases, and whatever cuts them off.
    async fn experiment_on(
        &mut self,
        system: &RunningSystem,
        routes: &dyn ToxicRoutes,
        value: &SystemValue,
        journal: &Journal,
        workload: &Handle,
    ) {
        let (operation, value) = (Arc::clone(&self.experiment.operation), Arc::clone(value));
        let operation: measure::Operation = Arc::new(move || operation(Arc::clone(&value)));
        let load = self.setup.plan.definition.load.clone();
        let generator = Generator::new(workload.clone(), operation, load);
        let steps = Steps::new(&self.setup.plan, system, routes, journal, generator);
        let cut_off = tokio::select! {
            done = AssertUnwindSafe(steps.take(&mut self.facts, &mut self.measured)).catch_unwind() => {
                done.err().map(|panic| Obstacle {
                    blame: Blame::Harness,
                    what: format!("the harness itself panicked: {}", panic_message(panic.as_ref())),
                })
            }
            signal = self.setup.interrupt.cancelled() => Some(interrupted(&signal)),
        };
        // Nothing is left to undo where the phases came to their end.
        let failures = steps.undo().await.into_iter().map(|what| Obstacle { blame: Blame::Injector, what });
        for obstacle in cut_off.into_iter().chain(failures) {
            self.meets(obstacle, journal);
        }
    }

    fn meets(&mut self, obstacle: Obstacle, journal: &Journal) {
        tracing::warn!("{}", obstacle.what);
        journal.event(&Event::Obstacle { obstacle: &obstacle });
        self.facts.obstacles.push(obstacle);
    }

    /// Concludes, and makes the conclusion durable before anything is taken down.
    fn record(&mut self, journal: &Journal) -> Conclusion {
        let conclusion = conclude(&self.facts);
        journal.event(&Event::Concluded { conclusion: &conclusion });
        match journal.seal() {
            Ok(()) => conclusion,
            Err(cause) => {
                let what = format!("could not write the journal: {cause}");
                self.facts.obstacles.push(Obstacle { blame: Blame::Harness, what });
                conclude(&self.facts)
            }
        }
    }

    /// What could not be taken down spoils a good verdict and is added to a bad one.
    fn add_leftovers(mut conclusion: Conclusion, left: Vec<String>, journal: &Journal) -> Conclusion {
        if left.is_empty() {
            return conclusion;
        }
        journal.event(&Event::LeftBehind { what: &left });
        if conclusion.verdict == Verdict::Upheld {
            conclusion =
                Conclusion { verdict: Verdict::Error, blame: Some(Blame::Harness), reasons: Vec::new() };
        }
        conclusion.reasons.extend(left);
        journal.event(&Event::Concluded { conclusion: &conclusion });
        if let Err(cause) = journal.seal() {
            conclusion.reasons.push(format!("could not write the journal: {cause}"));
        }
        conclusion
    }

    /// The instances that have ended although nothing of this trial ended them, or that cannot be reached: often the
    /// reason for the rest.
    async fn ended_by_themselves(&self, system: &RunningSystem) -> Vec<String> {
        let mut ended = Vec::new();
        for service in &self.setup.plan.services {
            for index in 0..service.provider.replicas as usize {
                let Some(instance) = system.instance(&service.name, index) else { continue };
                match instance.observe().await {
                    Ok(InstanceState::Ended(how)) => {
                        ended.push(format!("{} has ended by itself: {how}", instance.label()));
                    }
                    Ok(InstanceState::Unreachable(why)) => {
                        ended.push(format!("{} could not be reached: {why}", instance.label()));
                    }
                    Ok(InstanceState::Running | InstanceState::Frozen) | Err(_) => {}
                }
            }
        }
        ended
    }

    fn log_tails(&self, system: &RunningSystem) -> Vec<LogTail> {
        let mut logs = Vec::new();
        for injection in &self.setup.plan.injections {
            // Three say what there is to say; the files have the rest.
            for &index in injection.instances().iter().take(3) {
                if let Some(instance) = system.instance(&injection.fault.service, index) {
                    let lines = instance.log_tail(LOG_LINES).lines();
                    logs.push(LogTail { instance: instance.label().to_owned(), lines });
                }
            }
        }
        logs
    }
}

/// User code outside the workload: bounded in time, its panics caught.
async fn bounded<T: Send + 'static>(
    workload: &Handle,
    user_code: impl Future<Output = Result<T, crate::BoxError>> + Send + 'static,
    purpose: &str,
) -> Result<T, Obstacle> {
    let system = |what: String| Obstacle { blame: Blame::System, what };
    // A set of one, since dropping it aborts the task.
    let mut tasks = JoinSet::new();
    tasks.spawn_on(user_code, workload);
    match tokio::time::timeout(USER_CODE, tasks.join_next()).await {
        Ok(Some(Ok(Ok(value)))) => Ok(value),
        Ok(Some(Ok(Err(error)))) => Err(system(format!("the test's code could not {purpose}: {error}"))),
        Ok(Some(Err(failed))) => {
            let message = failed
                .try_into_panic()
                .map_or_else(|failed| failed.to_string(), |panic| panic_message(panic.as_ref()));
            Err(system(format!("the test's code panicked to {purpose}: {message}")))
        }
        Ok(None) | Err(_) => {
            Err(system(format!("the test's code did not {purpose} within {}", show_duration(USER_CODE))))
        }
    }
}

fn interrupted(signal: &dyn std::fmt::Display) -> Obstacle {
    Obstacle { blame: Blame::Environment, what: format!("interrupted by {signal}") }
}

fn labels<'a>(system: &'a RunningSystem, plan: &Plan) -> Vec<&'a str> {
    let instances = plan.services.iter().flat_map(|service| {
        let replicas = service.provider.replicas as usize;
        (0..replicas).filter_map(|index| system.route_name(&service.name, index))
    });
    instances.collect()
}

/// Which services were given the route to which other, by a placeholder.
fn cut_off_from(plan: &Plan) -> BTreeSet<(&str, &str)> {
    let names: BTreeSet<_> = plan.services.iter().map(|service| service.name.as_str()).collect();
    let given = plan.services.iter().flat_map(|service| {
        placeholders(&service.provider).map(|placeholder| (service.name.as_str(), placeholder))
    });
    given.filter(|(_, placeholder)| names.contains(placeholder)).collect()
}

fn names(plan: &Plan) -> String {
    let names: Vec<_> =
        plan.services.iter().map(|service| format!("{} ({})", service.name, service.provider)).collect();
    names.join(", ")
}
