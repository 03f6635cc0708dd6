//! The Docker backend: instances as containers, started by testcontainers, harmed and put right through its client.

mod engine;
mod faults;
mod host;
mod knock;
mod logs;

use super::Ready;
use super::cut::Cut;
use super::error::{StartError, SystemError};
use super::instance::{Effect, Instance, InstanceState};
use super::log::{LogFile, LogTail, LogWatch, SHOWN_LINES};
use super::ready::Question;
use super::running::{ReadyRoute, Routes};
use super::template::{self, Values};
use crate::fault::InstanceFault;
use crate::safety::containers::{EngineError, short};
use crate::safety::{RUN_LABEL, TRIAL_LABEL, UndoId, UndoLog, Undone};
use crate::system::{ServiceName, Variable};
use async_trait::async_trait;
use engine::Engine;
pub(crate) use engine::name_and_tag;
pub(super) use engine::remove_all;
pub(super) use host::{ContainerRoutes, HostError};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use testcontainers::bollard::models::PortBinding;
use testcontainers::core::ContainerPort;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _, TestcontainersError};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// The label that says which service's container it is.
const SERVICE_LABEL: &str = "chaos.service";

/// How long a container that is being created is waited for once its start is cut short: what is created after it has
/// been given up on would be left behind.
const LAST_CHANCE: Duration = Duration::from_secs(3);
/// How long the rest of a log may take to arrive once its container has ended.
const LOG_ARRIVES_WITHIN: Duration = Duration::from_secs(1);

/// What is needed to start an instance.
#[derive(Clone)]
pub(super) struct Launch {
    pub(super) label: String,
    pub(super) image: String,
    /// The port that it listens on inside.
    pub(super) port: u16,
    /// With its placeholders.
    pub(super) command: Vec<String>,
    /// With their placeholders.
    pub(super) env: Vec<Variable>,
    pub(super) ready: Ready,
    pub(super) ready_within: Duration,
    pub(super) run: String,
    pub(super) trial: String,
    pub(super) log: LogFile,
    pub(super) undo: UndoLog,
    pub(super) routes: Arc<dyn Routes>,
    /// The routes that placeholders name.
    pub(super) named: BTreeMap<ServiceName, ReadyRoute>,
    /// Where containers reach them.
    pub(super) container_routes: Arc<ContainerRoutes>,
    /// Ends the start early.
    pub(super) cut: Cut,
}

/// An instance as a container.
pub(super) struct ContainerInstance {
    launch: Launch,
    id: String,
    engine: Engine,
    /// Where its port is published: another one after each start.
    upstream: RwLock<SocketAddr>,
    container: Mutex<Owned>,
    applied: Mutex<Applied>,
}

/// The faults that are in effect on one container.
#[derive(Debug, Default)]
struct Applied {
    paused: Option<UndoId>,
    starved: Option<Starved>,
}

/// What a container's CPU was like before it was starved.
#[derive(Debug, Clone, Copy)]
struct Starved {
    quota: i64,
    period: i64,
    throttled: u64,
    record: UndoId,
}

/// A container that is removed when this is dropped.
struct Owned(Option<ContainerAsync<GenericImage>>);

impl Drop for Owned {
    fn drop(&mut self) {
        // testcontainers panics where there is no runtime to remove it on. The undo log still has it then.
        if let (Some(container), Err(_)) = (self.0.take(), Handle::try_current()) {
            std::mem::forget(container);
        }
    }
}

impl ContainerInstance {
    /// Starts it and waits until it is ready.
    pub(super) async fn start(launch: Launch) -> Result<Self, SystemError> {
        let label = launch.label.clone();
        Self::try_start(launch).await.map_err(|cause| SystemError::start(&label, cause))
    }

    async fn try_start(launch: Launch) -> Result<Self, StartError> {
        let named = launch.container_routes.addresses(&launch, &launch.named).await?;
        let deadline = crate::clock::now() + launch.ready_within;
        let engine = Engine::connect()?;
        let container = Owned(Some(launch.create(launch.request(&named).start()).await?));
        let id = container.0.as_ref().map(|container| container.id().to_owned()).unwrap_or_default();
        let mut watch = launch.log.watch().map_err(StartError::Log)?;
        let output = launch.log.append().map_err(StartError::Log)?;
        let log = logs::follow(&engine, &id, output);
        let state = engine.inspect(&id).await?;
        let Some(upstream) = state.published(launch.port) else {
            let _ = timeout(LOG_ARRIVES_WITHIN, log).await;
            let log = launch.log.tail(SHOWN_LINES);
            return Err(StartError::Ended { status: state.ended().unwrap_or_default(), log });
        };
        let left = deadline.saturating_duration_since(crate::clock::now());
        let inside = state.inside(&engine, launch.port);
        launch.wait_until_ready(&engine, &id, (upstream, inside), &launch.ready, &mut watch, left).await?;
        Ok(Self {
            launch,
            id,
            engine,
            upstream: RwLock::new(upstream),
            container: Mutex::new(container),
            applied: Mutex::default(),
        })
    }

    async fn point_to(&self, upstream: SocketAddr) -> std::io::Result<()> {
        *self.upstream.write().unwrap_or_else(PoisonError::into_inner) = upstream;
        self.launch.routes.repoint(&self.launch.label, upstream).await
    }
}

impl Launch {
    /// Creates the container and starts it, after pulling its image where it is missing.
    async fn create(
        &self,
        starting: impl Future<Output = Result<ContainerAsync<GenericImage>, TestcontainersError>>,
    ) -> Result<ContainerAsync<GenericImage>, StartError> {
        tokio::pin!(starting);
        let outcome = tokio::select! {
            biased;
            outcome = timeout(self.ready_within, &mut starting) => outcome,
            () = self.cut.happened() => {
                // Dropped if it succeeds after all, and so removed.
                let _ = timeout(LAST_CHANCE, &mut starting).await;
                return Err(StartError::CutOff);
            }
        };
        match outcome {
            Ok(Ok(container)) => Ok(container),
            Ok(Err(error)) => Err(engine::explain(&self.image, &error)),
            Err(_) => Err(StartError::Image {
                image: self.image.clone(),
                cause: format!(
                    "it was neither there nor pulled within {}",
                    crate::units::show_duration(self.ready_within)
                ),
                remedy: "pull it beforehand, or allow more time with `ready_within`".to_owned(),
            }),
        }
    }

    /// Whose a container is, and what it is there for.
    fn labels<'a>(&'a self, service: &'a str) -> [(&'static str, &'a str); 3] {
        [(RUN_LABEL, &self.run), (TRIAL_LABEL, &self.trial), (SERVICE_LABEL, service)]
    }

    fn request(&self, named: &BTreeMap<ServiceName, String>) -> ContainerRequest<GenericImage> {
        let values = Values { port: self.port, routes: named };
        let (name, tag) = name_and_tag(&self.image);
        let port = ContainerPort::Tcp(self.port);
        let mut request = GenericImage::new(name, tag)
            .with_exposed_port(port)
            .with_startup_timeout(self.ready_within)
            .with_labels(self.labels(&self.label))
            .with_host_config_modifier(move |host| {
                // Only this machine reaches it, at a port that the engine picks.
                let binding = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: None };
                host.publish_all_ports = Some(false);
                host.port_bindings = Some(HashMap::from([(port.to_string(), Some(vec![binding]))]));
            });
        if !self.command.is_empty() {
            request = request.with_cmd(self.command.iter().map(|word| template::fill(word, values)));
        }
        for variable in &self.env {
            request = request.with_env_var(variable.name(), variable.fill(values));
        }
        request
    }

    async fn wait_until_ready(
        &self,
        engine: &Engine,
        id: &str,
        (address, inside): (SocketAddr, Option<SocketAddr>),
        ready: &Ready,
        watch: &mut LogWatch,
        limit: Duration,
    ) -> Result<(), StartError> {
        let question = Question { ready, address, forwarded: Some(super::ready::Forwarded { inside }) };
        let mut seen = "nothing".to_owned();
        let outcome = timeout(limit, async {
            tokio::select! {
                biased;
                status = engine.wait(id) => Some(Err(status)),
                () = self.cut.happened() => None,
                () = question.until_ready(Some(watch), &mut seen) => Some(Ok(())),
            }
        })
        .await;
        match outcome {
            Ok(Some(Ok(()))) => Ok(()),
            Ok(None) => Err(StartError::CutOff),
            Ok(Some(Err(status))) => {
                // Its last words are on their way: as the engine sends them after it has noticed the end.
                let log = self.last_words().await;
                Err(StartError::Ended { status: status?, log })
            }
            Err(_) => Err(StartError::NeverReady {
                ready: ready.clone(),
                limit: self.ready_within,
                seen,
                log: self.log.tail(SHOWN_LINES),
            }),
        }
    }
}

#[async_trait]
impl Instance for ContainerInstance {
    fn label(&self) -> &str {
        &self.launch.label
    }

    fn upstream(&self) -> SocketAddr {
        *self.upstream.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn describe(&self) -> String {
        let id = short(&self.id);
        format!("container {id} at {}; end it with: docker rm -fv {id}", self.upstream())
    }

    fn log_tail(&self, lines: usize) -> LogTail {
        self.launch.log.tail(lines)
    }

    async fn keep(&self) {
        if let Some(container) = self.container.lock().await.0.take() {
            std::mem::forget(container);
        }
    }

    async fn observe(&self) -> Result<InstanceState, SystemError> {
        let found = self.engine.inspect(&self.id).await;
        let state = found.map_err(|error| SystemError::Observe {
            instance: self.launch.label.clone(),
            cause: error.into(),
        })?;
        Ok(match state.ended() {
            Some(status) => InstanceState::Ended(status),
            None if state.is_paused() => InstanceState::Frozen,
            None => InstanceState::Running,
        })
    }

    async fn inject(&self, fault: InstanceFault) -> Result<(), SystemError> {
        self.inject_fault(fault).await
    }

    async fn effect(&self, fault: InstanceFault) -> Result<Effect, SystemError> {
        self.look_for(fault).await
    }

    async fn undo(&self, fault: InstanceFault) -> Result<Undone, SystemError> {
        self.undo_fault(fault).await
    }

    async fn stop(&self) -> Result<(), SystemError> {
        let Some(container) = self.container.lock().await.0.take() else {
            return Ok(());
        };
        let failed = |error: crate::BoxError| SystemError::stop(&self.launch.label, error);
        // Its own removal has no time limit, and would be tried once more when it is dropped.
        std::mem::forget(container);
        self.own().remove().await.map_err(|error| failed(error.into()))?;
        let applied = std::mem::take(&mut *self.applied.lock().await);
        let records = applied.paused.into_iter().chain(applied.starved.map(|starved| starved.record));
        let mut records = records;
        records.try_for_each(|record| self.launch.undo.done(record)).map_err(|error| failed(error.into()))
    }
}

impl From<EngineError> for StartError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error.to_string())
    }
}
