//! A system as user code defines it: its services, and what is built on them.

use super::{ServiceName, ServiceSpec, Services, Source, SystemSpec};
use crate::BoxError;
use futures::future::BoxFuture;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// What user code built on the services, its type forgotten so that one runner serves every experiment.
pub(crate) type SystemValue = Arc<dyn Any + Send + Sync>;

type Start<S> = Arc<dyn Fn(Services) -> BoxFuture<'static, Result<Arc<S>, BoxError>> + Send + Sync>;
type Stop<S> = Arc<dyn Fn(S) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;

/// A set of services, and the value of type `S` that user code builds on them once per trial.
///
/// `#[system]` writes this; by hand it is:
///
/// ```
/// use chaos_harness::system::{cargo_bin, container, System};
/// # struct Shop; impl Shop { async fn start(_: std::net::SocketAddr) -> std::io::Result<Self> { Ok(Shop) } }
/// let shop = System::new("shop")
///     .service("redis", container("redis:7").port(6379))
///     .service("inventory", cargo_bin("inventory").replicas(10))
///     .start(|services| async move { Ok::<_, chaos_harness::BoxError>(Shop::start(services.get("redis")?.addr()).await?) });
/// # let _ = shop;
/// ```
pub struct System<S> {
    pub(crate) spec: SystemSpec,
    start: Start<S>,
    stop: Option<Stop<S>>,
}

impl System<()> {
    /// A system of this name, without services as yet.
    #[expect(clippy::new_ret_no_self, reason = "a system is complete only once it says what to start")]
    pub fn new(name: impl Into<String>) -> SystemBuilder {
        SystemBuilder { spec: SystemSpec { name: name.into(), services: Vec::new() } }
    }
}

/// A system whose services are being listed. See [`System::new`].
#[derive(Debug, Clone)]
#[must_use = "a system is complete only once it says what to start"]
pub struct SystemBuilder {
    spec: SystemSpec,
}

impl SystemBuilder {
    /// Adds a service.
    pub fn service(mut self, name: impl Into<ServiceName>, source: impl Into<Source>) -> Self {
        let Source { providers, after } = source.into();
        self.spec.services.push(ServiceSpec { name: name.into(), providers, after });
        self
    }

    /// Says what is built on the services, once per trial. It is dropped before they stop.
    pub fn start<S, E, F, Fut>(self, start: F) -> System<S>
    where
        S: Send + Sync + 'static,
        E: Into<BoxError>,
        F: Fn(Services) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, E>> + Send + 'static,
    {
        let start: Start<S> = Arc::new(move |services| {
            let starting = start(services);
            Box::pin(async move { starting.await.map(Arc::new).map_err(Into::into) })
        });
        System { spec: self.spec, start, stop: None }
    }
}

impl<S: Send + Sync + 'static> System<S> {
    /// Says how to end what [`start`](SystemBuilder::start) built, before its services stop. Without it, the value is
    /// dropped.
    #[must_use]
    pub fn stop<E, F, Fut>(mut self, stop: F) -> Self
    where
        E: Into<BoxError>,
        F: Fn(S) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
    {
        self.stop = Some(Arc::new(move |system| {
            let stopping = stop(system);
            Box::pin(async move { stopping.await.map_err(Into::into) })
        }));
        self
    }

    pub(crate) fn erase(self) -> ErasedSystem {
        let Self { spec, start, stop } = self;
        ErasedSystem {
            spec,
            start: Box::new(move |services| {
                let start = Arc::clone(&start);
                // Called in there, so that none of it runs before it is polled: its first lines may panic too.
                Box::pin(async move { start(services).await.map(|system| system as SystemValue) })
            }),
            stop: Box::new(move |value| {
                let stop = stop.clone();
                Box::pin(async move {
                    // Operations that were cut off may still hold the value: then it ends with the last of them.
                    match (value.downcast::<S>().ok().and_then(Arc::into_inner), stop) {
                        (Some(system), Some(stop)) => stop(system).await,
                        _ => Ok(()),
                    }
                })
            }),
        }
    }
}

impl<S> fmt::Debug for System<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").field("spec", &self.spec).finish_non_exhaustive()
    }
}

type ErasedStart = Box<dyn Fn(Services) -> BoxFuture<'static, Result<SystemValue, BoxError>> + Send + Sync>;
type ErasedStop = Box<dyn Fn(SystemValue) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;

/// A system whose value's type is forgotten.
pub(crate) struct ErasedSystem {
    pub(crate) spec: SystemSpec,
    pub(crate) start: ErasedStart,
    pub(crate) stop: ErasedStop,
}
