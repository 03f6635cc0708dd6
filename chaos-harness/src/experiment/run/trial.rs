//! One trial from beginning to end.

use super::console::Console;
use super::embedded::EmbeddedRoutes;
#[cfg(feature = "external-toxiproxy")]
use super::external::ExternalRoutes;
use super::lease;
use super::live_logs;
use super::routes::ToxicRoutes;
use super::steps::{self, Measured, Permit, Steps};
use super::user_code::{self, interrupted};
use crate::causes::causes;
use crate::clock;
use crate::experiment::undo::{Then, UndoResult, Undoing};
use crate::experiment::verdict::{Blame, Conclusion, Facts, Obstacle, Verdict, conclude};
use crate::experiment::{Experiment, Plan};
use crate::measure::{self, Generator, panic_message};
use crate::proxy::Proxy;
use crate::redact::Redactor;
use crate::report::{Event, Journal, LogTail, Report};
use crate::safety::{self, Attempt, Interrupt, Leases, Limits, UndoLog, put_all_right};
use crate::system::{
    InstanceState, NotStarted, RunningSystem, StartContext, SystemError, SystemValue, placeholders,
};
use crate::terminal;
use futures::{FutureExt as _, TryFutureExt as _};
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;

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
    /// The folder of this run, among them.
    pub(crate) run_folder: PathBuf,
    /// What marks everything that belongs to this trial, among all runs on this machine.
    pub(crate) tag: String,
    /// What may be in effect at the same time, in all processes.
    pub(crate) limits: Limits,
    /// The command that runs the trial again.
    pub(crate) rerun: String,
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
    let redactor = setup.plan.redactor();
    measure::hide_in_panics(&redactor);
    let mut trial = Trial {
        experiment,
        setup,
        redactor,
        facts: Facts::default(),
        measured: Measured::default(),
        undo: UndoResult::Clean,
        logs: vec![],
    };
    let conclusion = match trial.prepare() {
        Ok(tools) => trial.conduct(tools),
        // Nothing was done yet.
        Err(obstacle) => {
            trial.facts.obstacles.push(obstacle);
            conclude(&trial.facts)
        }
    };
    let Trial { setup, facts, measured, undo, logs, .. } = trial;
    let took = clock::now().saturating_duration_since(began);
    let accounted = measured.load + measured.services_started_in + measured.user_code;
    Report {
        trial: setup.trial,
        plan: setup.plan,
        phases: measured.phases,
        facts,
        conclusion,
        undo,
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
    redactor: Redactor,
    facts: Facts,
    measured: Measured,
    undo: UndoResult,
    logs: Vec<LogTail>,
}

/// What a trial works with, each with threads or a process of its own.
struct Tools {
    console: Console,
    journal: Journal,
    undo: UndoLog,
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
        let Setup { live, log, .. } = &self.setup;
        let console = Console::open(&folder.join("harness.log"), *live, log.as_deref(), &self.redactor)
            .map_err(|cause| harness("could not write the log", &cause))?;
        let journal = Journal::create(&folder.join("journal.jsonl"), self.redactor.clone())
            .map_err(|cause| harness("could not write the journal", &cause))?;
        let undo = safety::undo_log(&self.setup.runs, &self.setup.run_folder)
            .map_err(|cause| Obstacle { blame: Blame::Harness, what: cause.to_string() })?
            .of_trial(&self.setup.tag);
        let threads =
            || console.runtime().map_err(|cause| harness("could not start the trial's threads", &cause));
        let (runtime, workload) = (threads()?, threads()?);
        Ok(Tools { console, journal, undo, runtime, workload })
    }

    /// The routes of this trial, without any as yet.
    #[cfg_attr(
        not(feature = "external-toxiproxy"),
        expect(clippy::unused_async, unused_variables, reason = "another server's routes need them")
    )]
    async fn routes(&self, undo: &UndoLog) -> Result<Arc<dyn ToxicRoutes>, Obstacle> {
        let injector = |what: String| Obstacle { blame: Blame::Injector, what };
        #[cfg(feature = "external-toxiproxy")]
        if let Some(source) = &self.setup.toxiproxy {
            let opening =
                ExternalRoutes::open(source, &self.setup.plan, &self.setup.run, &self.setup.tag, undo);
            let routes = tokio::select! {
                routes = opening => routes.map_err(|cause| injector(cause.to_string()))?,
                signal = self.setup.interrupt.cancelled() => return Err(interrupted(&signal)),
            };
            return Ok(Arc::new(routes));
        }
        let proxy = Proxy::start(self.setup.plan.seed).map_err(|cause| injector(cause.to_string()))?;
        Ok(Arc::new(EmbeddedRoutes::new(proxy)))
    }

    fn conduct(&mut self, tools: Tools) -> Conclusion {
        let Tools { console, journal, undo, runtime, workload } = tools;
        let telling = console.tell();
        let at = clock::since_epoch().as_secs();
        journal.event(&Event::Planned { plan: &self.setup.plan, at });
        let conclusion = runtime.block_on(async {
            let routes = self.routes(&undo).await;
            let concluded = match &routes {
                Ok(routes) => {
                    let living = self.live(&journal, &undo, routes, workload.handle());
                    AssertUnwindSafe(living).catch_unwind().await.map_err(|panic| panicked(panic.as_ref()))
                }
                Err(obstacle) => Err(obstacle.clone()),
            };
            let conclusion = concluded.unwrap_or_else(|obstacle| {
                meets(&mut self.facts, obstacle, &journal);
                record(&mut self.facts, &journal)
            });
            self.put_right(&journal, &undo, routes.ok().as_deref()).await;
            conclusion
        });
        // Operations that never ended hold their threads: they are not waited for.
        workload.shutdown_background();
        runtime.shutdown_background();
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
        // Dropped, it ends what it has started so far: not before that is recorded.
        let mut starting = Box::pin(crate::system::start(services, context));
        let started = tokio::select! {
            started = &mut starting => started.map_err(|NotStarted { error, system }| {
                (Obstacle { blame: Blame::Environment, what: error.to_string() }, system)
            }),
            signal = interrupt.cancelled() => Err((interrupted(&signal), None)),
        };
        let conclusion = match started {
            Ok(system) => {
                self.measured.services_started_in = clock::now().saturating_duration_since(began);
                self.on(&system, &**routes, journal, undo, workload).await
            }
            Err((obstacle, system)) => {
                meets(&mut self.facts, obstacle, journal);
                let conclusion = record(&mut self.facts, journal);
                if let Some(system) = system {
                    self.take_down(&system).await;
                }
                conclusion
            }
        };
        drop(starting);
        conclusion
    }

    /// Undoes whatever is left: what was cut off in the middle, and what failed. Services that are kept are no part of it.
    async fn put_right(&mut self, journal: &Journal, undo: &UndoLog, routes: Option<&dyn ToxicRoutes>) {
        let mut undoing = std::mem::take(&mut self.measured.undoing);
        if let Some(routes) = routes {
            undoing.failures.extend(routes.close().await);
        }
        let put_right = put_all_right(undo).await;
        let failures = put_right.failures.iter();
        let failures =
            failures.map(|one| Attempt { way: one.action.to_string(), why: causes(&one.error) }).collect();
        undoing.extend(Undoing { forced: put_right.forced, failures });
        let is_over = undo.open().is_empty();
        // Otherwise it stays for as long as the undo log is anyone's.
        if let Some(lease) = self.measured.lease.take().filter(|_| is_over) {
            undoing.failures.extend(steps::end(lease));
        }
        self.undo = undoing.result(if is_over { Then::Ended } else { Then::TriedAgain });
        journal.event(&Event::TakenDown { undo: &self.undo });
        if let Err(cause) = journal.seal() {
            tracing::warn!("could not write the journal: {cause}");
        }
    }

    /// Ends what was started. What could not be ended is told beside the conclusion.
    async fn take_down(&mut self, system: &RunningSystem) {
        let failures = system.stop().await.into_iter().map(|error| match error {
            SystemError::Stop { instance, cause } => {
                Attempt { way: format!("stop `{instance}`"), why: causes(&*cause) }
            }
            other => Attempt { way: "take the system down".to_owned(), why: other.to_string() },
        });
        self.measured.undoing.failures.extend(failures);
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
        let Setup { plan, folder, live, .. } = &self.setup;
        let _told = live.then(|| live_logs::follow(folder, labels(system, plan), &self.redactor));
        let building = clock::now();
        let started =
            user_code::start(&self.experiment.system, system.services(), workload, self.setup.interrupt)
                .await;
        let mut conclusion = match started {
            Ok(value) => {
                self.measured.user_code = clock::now().saturating_duration_since(building);
                let concluded = self.experiment_on(system, routes, &value, journal, undo, workload).await;
                match user_code::end(&self.experiment.system, value, workload, self.setup.interrupt).await {
                    Ok(()) => concluded,
                    Err(obstacle) => {
                        meets(&mut self.facts, obstacle, journal);
                        record(&mut self.facts, journal)
                    }
                }
            }
            Err(obstacle) => {
                meets(&mut self.facts, obstacle, journal);
                record(&mut self.facts, journal)
            }
        };
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
                self.tell(format_args!("kept: {line}"));
            }
            self.tell("the routes to services end with this trial: only these addresses are left");
            for (service, other) in cut_off_from(&self.setup.plan) {
                self.tell(format_args!(
                    "`{service}` was started with the route to `{other}`, and can no longer reach it"
                ));
            }
            return conclusion;
        }
        self.take_down(system).await;
        conclusion
    }

    fn tell(&self, text: impl std::fmt::Display) {
        terminal::tell_of(&self.redactor, format_args!("chaos: {text}"));
    }

    /// The phases, and whatever cuts them off. What is concluded from them is durable before what is left of the faults is
    /// undone.
    async fn experiment_on(
        &mut self,
        system: &RunningSystem,
        routes: &dyn ToxicRoutes,
        value: &SystemValue,
        journal: &Journal,
        undo: &UndoLog,
        workload: &Handle,
    ) -> Conclusion {
        let (operation, value) = (Arc::clone(&self.experiment.operation), Arc::clone(value));
        let redactor = self.redactor.clone();
        let operation: measure::Operation = Arc::new(move || {
            let (running, redactor) = (operation(Arc::clone(&value)), redactor.clone());
            // Here, since messages are cut to a length: half a secret would not be known for one.
            Box::pin(running.map_err(move |error| redactor.text(&causes(&*error)).into()))
        });
        let load = self.setup.plan.definition.load.clone();
        let generator = Generator::new(workload.clone(), operation, load);
        let Setup { plan, trial, run, runs, tag, limits, .. } = &self.setup;
        let permit = Permit {
            leases: Leases::new(runs, run, *limits),
            request: lease::of_plan(trial, tag, plan, system),
            holder: undo.path(),
        };
        let steps = Steps::new(plan, system, routes, journal, generator, permit);
        let cut_off = tokio::select! {
            done = AssertUnwindSafe(steps.take(&mut self.facts, &mut self.measured)).catch_unwind() => {
                done.err().map(|panic| panicked(panic.as_ref()))
            }
            signal = self.setup.interrupt.cancelled() => Some(interrupted(&signal)),
        };
        if let Some(obstacle) = cut_off {
            meets(&mut self.facts, obstacle, journal);
        }
        let conclusion = record(&mut self.facts, journal);
        // Nothing is left to undo where the phases came to their end.
        self.measured.undoing.extend(steps.undo().await);
        self.measured.lease = steps.into_lease();
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

fn panicked(panic: &(dyn std::any::Any + Send)) -> Obstacle {
    let what = format!("the harness itself panicked: {}", panic_message(panic));
    Obstacle { blame: Blame::Harness, what }
}

fn meets(facts: &mut Facts, obstacle: Obstacle, journal: &Journal) {
    tracing::warn!("{}", obstacle.what);
    journal.event(&Event::Obstacle { obstacle: &obstacle });
    facts.obstacles.push(obstacle);
}

/// Concludes, and makes the conclusion durable before anything is taken down.
fn record(facts: &mut Facts, journal: &Journal) -> Conclusion {
    let conclusion = conclude(facts);
    journal.event(&Event::Concluded { conclusion: &conclusion });
    match journal.seal() {
        Ok(()) => conclusion,
        Err(cause) => {
            let what = format!("could not write the journal: {cause}");
            facts.obstacles.push(Obstacle { blame: Blame::Harness, what });
            conclude(facts)
        }
    }
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
