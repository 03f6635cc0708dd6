//! Starting the services of a system, and the system while it runs.

use super::availability::ChosenService;
use super::check::needs;
use super::cut::Cut;
#[cfg(feature = "docker")]
use super::docker;
use super::error::{StartError, SystemError};
use super::external::ExternalInstance;
use super::instance::Instance;
use super::log::LogFile;
use super::process::{self, ProcessInstance};
use super::program::{self, Surroundings};
#[cfg(feature = "docker")]
use super::template::placeholders;
use super::{ProviderKind, Service, ServiceName, Services};
use crate::engine_address::EngineAddress;
#[cfg(feature = "docker")]
use crate::safety::containers::Looks;
use crate::safety::{Mark, UndoAction, UndoId, UndoLog, kill_strays};
use async_trait::async_trait;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt as _};
use std::collections::BTreeMap;
#[cfg(feature = "docker")]
use std::collections::BTreeSet;
use std::env;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The routes to instances: what stands between them and user code.
#[async_trait]
pub(crate) trait Routes: Send + Sync {
    /// Makes a route of this name; the address that user code is given.
    async fn open(&self, name: &str, upstream: SocketAddr) -> io::Result<SocketAddr>;

    /// Makes the route of this name reachable at `ip` too, an address of this machine that containers reach; where.
    #[cfg_attr(not(feature = "docker"), expect(dead_code, reason = "only containers need it"))]
    async fn open_for_containers(&self, name: &str, ip: IpAddr) -> io::Result<SocketAddr>;

    /// Leads the route to another upstream: a restarted container listens on another port.
    #[cfg_attr(not(feature = "docker"), expect(dead_code, reason = "only a restarted container moves"))]
    async fn repoint(&self, name: &str, upstream: SocketAddr) -> io::Result<()>;
}

/// What a trial gives to the services it starts.
#[derive(Clone)]
pub(crate) struct StartContext {
    /// The run. Every container carries it as the label `chaos.run`.
    #[cfg_attr(not(feature = "docker"), expect(dead_code, reason = "only containers have labels"))]
    pub(crate) run: String,
    /// The trial, by a name that no other trial of any run has: what carries it, as the label `chaos.trial` or in the
    /// variable `CHAOS_TRIAL`, is removed when the trial is over.
    pub(crate) trial: String,
    /// Where logs are written.
    pub(crate) log_dir: PathBuf,
    pub(crate) undo: UndoLog,
    pub(crate) routes: Arc<dyn Routes>,
    /// Whether the services are to outlive the trial.
    pub(crate) keep: bool,
}

/// The route to a service that others can be given: that to its first instance.
#[derive(Debug, Clone)]
pub(super) struct ReadyRoute {
    #[cfg_attr(
        not(feature = "docker"),
        expect(dead_code, reason = "only a container needs another address of it")
    )]
    pub(super) name: String,
    /// Where it is on this machine.
    pub(super) address: SocketAddr,
}

/// What all instances of one start have in common.
struct Start<'a> {
    context: &'a StartContext,
    cut: &'a Cut,
    /// What the trial's processes inherit.
    mark: Arc<Mark>,
    #[cfg(feature = "docker")]
    container_routes: Arc<docker::ContainerRoutes>,
}

/// A system whose services are ready.
pub(crate) struct RunningSystem {
    services: Vec<RunningService>,
    keep: bool,
    /// What was given up on while the engine was at it may come later.
    #[cfg(feature = "docker")]
    looks: Looks,
    trial: Trial,
}

struct RunningService {
    name: ServiceName,
    /// Each with the address of its route.
    instances: Vec<(Box<dyn Instance>, SocketAddr)>,
}

/// A system of which a service did not start.
pub(crate) struct NotStarted {
    pub(crate) error: SystemError,
    /// What had been started, to be taken down.
    pub(crate) system: Option<RunningSystem>,
}

impl From<SystemError> for NotStarted {
    fn from(error: SystemError) -> Self {
        Self { error, system: None }
    }
}

/// Starts the services side by side, each as soon as those it needs are ready. When one fails the others are still up.
pub(crate) async fn start(
    services: Vec<ChosenService>,
    context: StartContext,
) -> Result<RunningSystem, NotStarted> {
    let order: Vec<_> = services.iter().map(|service| service.name.clone()).collect();
    let trial = Trial::begin(&services, &context)?;
    let mark = Mark::of_trial(&context.trial);
    let mark = mark.map_err(|error| SystemError::start(&context.trial, StartError::Mark(error)))?;
    let cut = Cut::new();
    let start = Start {
        context: &context,
        cut: &cut,
        mark: Arc::new(mark),
        #[cfg(feature = "docker")]
        container_routes: Arc::default(),
    };
    let mut waiting = services;
    let mut starting = FuturesUnordered::new();
    let mut started: Vec<RunningService> = Vec::new();
    loop {
        if !cut.has_happened() {
            let routes: BTreeMap<_, _> =
                started.iter().filter_map(|service| Some((service.name.clone(), service.route()?))).collect();
            let (due, later) = waiting.into_iter().partition(|service| is_due(service, &routes));
            waiting = later;
            let due: Vec<ChosenService> = due;
            starting.extend(due.into_iter().map(|service| start_service(service, routes.clone(), &start)));
        }
        match starting.next().await {
            Some(service) => started.push(service),
            None => break,
        }
    }
    if let (Some(service), false) = (waiting.first(), cut.has_happened()) {
        cut.fail(SystemError::start(service.name.as_str(), StartError::NeverDue));
    }
    started.sort_by_key(|service| order.iter().position(|name| *name == service.name));
    let error = cut.take();
    let system = RunningSystem {
        services: started,
        // Half a system is of no use to whoever wants to keep one.
        keep: context.keep && error.is_none(),
        #[cfg(feature = "docker")]
        looks: if error.is_some() { Looks::Two } else { Looks::One },
        trial,
    };
    if let Some(error) = error {
        return Err(NotStarted { error, system: Some(system) });
    }
    if context.keep {
        join_all(system.instances().map(|(instance, _)| instance.keep())).await;
    }
    match system.trial.has_begun() {
        Ok(()) => Ok(system),
        Err(error) => Err(NotStarted { error, system: Some(system) }),
    }
}

fn is_due(service: &ChosenService, ready: &BTreeMap<ServiceName, ReadyRoute>) -> bool {
    needs(&service.after, std::slice::from_ref(&service.provider)).iter().all(|need| ready.contains_key(need))
}

/// Starts the instances of one service side by side. Those that fail are missing, and have cut the start short.
async fn start_service(
    service: ChosenService,
    routes: BTreeMap<ServiceName, ReadyRoute>,
    start: &Start<'_>,
) -> RunningService {
    let replicas = service.provider.replicas;
    let labels = (1..=replicas).map(|number| label(&service.name, number, replicas));
    let instances = labels.map(|label| start_instance(label, &service, &routes, start));
    let instances = join_all(instances).await.into_iter().flatten().collect();
    RunningService { name: service.name, instances }
}

/// Starts an instance and makes its route; nothing when it fails, which cuts the start of the others short at once.
async fn start_instance(
    label: String,
    service: &ChosenService,
    routes: &BTreeMap<ServiceName, ReadyRoute>,
    start: &Start<'_>,
) -> Option<(Box<dyn Instance>, SocketAddr)> {
    let started = run_instance(label.clone(), service, routes, start).await;
    let instance = started.map_err(|error| start.cut.fail(error)).ok()?;
    match start.context.routes.open(&label, instance.upstream()).await {
        Ok(route) => Some((instance, route)),
        Err(error) => {
            start.cut.fail(SystemError::start(&label, StartError::Route(error)));
            // Should that fail too, the undo log still has it.
            let _ = instance.stop().await;
            None
        }
    }
}

async fn run_instance(
    label: String,
    service: &ChosenService,
    routes: &BTreeMap<ServiceName, ReadyRoute>,
    start: &Start<'_>,
) -> Result<Box<dyn Instance>, SystemError> {
    let Start { context, cut, .. } = start;
    let provider = &service.provider;
    let failed = |cause: StartError| SystemError::start(&label, cause);
    let log = || LogFile::create(&context.log_dir, &label).map_err(|error| failed(StartError::Log(error)));
    let process = |program, arguments| -> Result<process::Launch, SystemError> {
        Ok(process::Launch {
            label: label.clone(),
            program,
            arguments,
            env: provider.env.clone(),
            routes: routes.iter().map(|(name, route)| (name.clone(), route.address.to_string())).collect(),
            ready: provider.ready.clone(),
            ready_within: provider.ready_within,
            trial: context.trial.clone(),
            mark: Arc::clone(&start.mark),
            log: log()?,
            undo: context.undo.clone(),
            keep: context.keep,
            cut: (*cut).clone(),
        })
    };
    match &provider.kind {
        ProviderKind::Command { line } => {
            // A line that cannot be split was refused when trials were listed.
            let mut words = shell_words::split(line).unwrap_or_default().into_iter();
            let program = words.next().unwrap_or_default();
            let program =
                program::command(&program, env::var_os("PATH")).map_err(|error| failed(error.into()))?;
            let launch = process(program, words.collect())?;
            Ok(Box::new(ProcessInstance::start(launch).await?))
        }
        ProviderKind::CargoBin { name, args, built } => {
            let binary = program::binary(name, built.as_deref(), &Surroundings::here())
                .map_err(|error| failed(error.into()))?;
            if let Some(warning) = &binary.stale {
                tracing::warn!(service = %service.name, "{warning}");
            }
            let launch = process(binary.path, shell_words::split(args).unwrap_or_default())?;
            Ok(Box::new(ProcessInstance::start(launch).await?))
        }
        ProviderKind::External { address, .. } => {
            let found =
                ExternalInstance::find(label, address, &provider.ready, provider.ready_within).await?;
            Ok(Box::new(found))
        }
        #[cfg(feature = "docker")]
        ProviderKind::Container { image, port, command } => {
            let launch = docker::Launch {
                label: label.clone(),
                image: image.clone(),
                port: *port,
                command: command.clone(),
                env: provider.env.clone(),
                ready: provider.ready.clone(),
                ready_within: provider.ready_within,
                run: context.run.clone(),
                trial: context.trial.clone(),
                log: log()?,
                undo: context.undo.clone(),
                routes: Arc::clone(&context.routes),
                named: named(service, routes),
                container_routes: Arc::clone(&start.container_routes),
                cut: (*cut).clone(),
            };
            Ok(Box::new(docker::ContainerInstance::start(launch).await?))
        }
        #[cfg(not(feature = "docker"))]
        ProviderKind::Container { .. } => Err(failed(StartError::NoContainers)),
    }
}

/// Those of the routes that the placeholders of a service name.
#[cfg(feature = "docker")]
fn named(
    service: &ChosenService,
    routes: &BTreeMap<ServiceName, ReadyRoute>,
) -> BTreeMap<ServiceName, ReadyRoute> {
    let names: BTreeSet<_> = placeholders(&service.provider).map(ServiceName::from).collect();
    let routes = routes.iter().filter(|(name, _)| names.contains(*name));
    routes.map(|(name, route)| (name.clone(), route.clone())).collect()
}

/// The name of an instance, and of its route: the service's, with a number where there are several.
fn label(service: &ServiceName, number: u32, replicas: u32) -> String {
    if replicas == 1 { service.to_string() } else { format!("{service}-{number}") }
}

impl RunningService {
    /// The route to its first instance.
    fn route(&self) -> Option<ReadyRoute> {
        let (instance, address) = self.instances.first()?;
        Some(ReadyRoute { name: instance.label().to_owned(), address: *address })
    }
}

impl RunningSystem {
    /// The services as user code sees them: by the addresses of their routes.
    pub(crate) fn services(&self) -> Services {
        let services = self.services.iter().filter_map(|service| {
            let mut routes = service.instances.iter().map(|(_, route)| *route);
            Some(Service::new(service.name.clone(), routes.next()?, routes))
        });
        Services::new(services.collect())
    }

    /// One instance of a service, counted from zero.
    pub(crate) fn instance(&self, service: &ServiceName, index: usize) -> Option<&dyn Instance> {
        let service = self.services.iter().find(|running| running.name == *service)?;
        service.instances.get(index).map(|(instance, _)| &**instance)
    }

    /// The name of the route to an instance, counted from zero: it is the instance's label.
    pub(crate) fn route_name(&self, service: &ServiceName, index: usize) -> Option<&str> {
        self.instance(service, index).map(Instance::label)
    }

    /// What runs, where, and how to end it: one line for each instance.
    pub(crate) async fn describe(&self) -> Vec<String> {
        // Their routes end with this process: they are not told.
        let lines = self.instances().map(|(instance, _)| async move {
            format!("{}: {}", instance.label(), instance.describe().await)
        });
        join_all(lines).await
    }

    /// Ends all instances, side by side, unless they are to be kept. May be called again.
    pub(crate) async fn stop(&self) -> Vec<SystemError> {
        if self.keep {
            return Vec::new();
        }
        let stopped = join_all(self.instances().map(|(instance, _)| instance.stop())).await;
        let mut errors: Vec<_> = stopped.into_iter().filter_map(Result::err).collect();
        // Those that left the process group of their instance.
        if self.trial.has_processes
            && let Err(error) = kill_strays(&self.trial.name).await
        {
            errors.push(SystemError::stop(&self.trial.name, error));
        }
        // Those that no instance owns: their start failed half-way.
        #[cfg(feature = "docker")]
        if self.trial.has_containers
            && let Err(error) = docker::remove_all(&self.trial.name, self.looks).await
        {
            errors.push(SystemError::stop(&self.trial.name, error));
        }
        if errors.is_empty() {
            errors.extend(self.trial.end().err());
        }
        errors
    }

    fn instances(&self) -> impl Iterator<Item = (&dyn Instance, SocketAddr)> {
        self.services
            .iter()
            .flat_map(|service| &service.instances)
            .map(|(instance, route)| (&**instance, *route))
    }
}

/// What is in the undo log for a trial as a whole: whatever carries its name must go.
struct Trial {
    name: String,
    has_processes: bool,
    #[cfg(feature = "docker")]
    has_containers: bool,
    undo: UndoLog,
    records: Mutex<Vec<UndoId>>,
}

impl Trial {
    /// Writes down what must go, before the first of it is started.
    fn begin(services: &[ChosenService], context: &StartContext) -> Result<Self, SystemError> {
        let kinds = || services.iter().map(|service| &service.provider.kind);
        let has_containers = kinds().any(|kind| matches!(kind, ProviderKind::Container { .. }));
        let has_processes =
            kinds().any(|kind| matches!(kind, ProviderKind::Command { .. } | ProviderKind::CargoBin { .. }));
        let trial = || context.trial.clone();
        let actions = [
            has_processes.then(|| UndoAction::KillTagged { trial: trial() }),
            has_containers
                .then(|| UndoAction::RemoveContainers { engine: EngineAddress::from_env(), trial: trial() }),
        ];
        let actions = actions.into_iter().flatten().filter(|_| !context.keep);
        let records = actions
            .map(|action| context.undo.record(action))
            .collect::<io::Result<Vec<_>>>()
            .map_err(|error| SystemError::start(&context.trial, StartError::UndoLog(error)))?;
        Ok(Self {
            name: trial(),
            has_processes,
            #[cfg(feature = "docker")]
            has_containers,
            undo: context.undo.clone(),
            records: Mutex::new(records),
        })
    }

    /// Notes that what is to go is there.
    fn has_begun(&self) -> Result<(), SystemError> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = records.iter().try_for_each(|record| self.undo.applied(*record));
        noted.map_err(|error| SystemError::start(&self.name, StartError::UndoLog(error)))
    }

    fn end(&self) -> Result<(), SystemError> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records
            .drain(..)
            .try_for_each(|record| self.undo.done(record))
            .map_err(|error| SystemError::stop(&self.name, error))
    }
}
