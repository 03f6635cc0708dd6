//! Which of a service's providers this machine can use: asked while trials are listed, without a runtime.

mod probes;
mod report;

use super::{Provider, ProviderKind, ServiceName, ServiceSpec, supports};
use crate::fault::InstanceFault;
pub(crate) use probes::Availability;
#[cfg(feature = "docker")]
pub(crate) use probes::image_remedy;
pub use report::{EngineFacts, EngineReport, engine_report, image_report};
use serde::Serialize;
use std::fmt;

/// Which alternatives may be used: `CHAOS_BACKEND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum BackendChoice {
    /// The first that this machine can provide.
    #[default]
    Auto,
    /// Containers, for every service that can be one.
    Docker,
    /// No containers.
    Process,
}

/// A service and the provider that was chosen for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct ChosenService {
    /// The service.
    pub name: ServiceName,
    /// What provides it on this machine.
    pub provider: Provider,
    /// The services that must be ready before it is started.
    pub after: Vec<ServiceName>,
}

/// A service that this machine cannot provide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) struct Unavailable {
    pub(crate) service: ServiceName,
    /// Why not, for each provider in turn.
    pub(crate) reasons: Vec<String>,
    /// What would help.
    pub(crate) remedy: String,
    /// Whether a container was among the providers: with Docker in order, the service would be there.
    pub(crate) needs_docker: bool,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service `{}` cannot be provided here: {}", self.service, self.reasons.join("; "))?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, ". To run it, {}", self.remedy) }
    }
}

/// Why one provider cannot be used, and what would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Why.
    pub reason: String,
    /// What would help; empty where nothing is known to.
    pub remedy: String,
}

/// The first provider of `service` that can take all of its `faults`, that `choice` allows, and that this machine can
/// use.
pub(crate) fn choose(
    service: &ServiceSpec,
    faults: &[InstanceFault],
    choice: BackendChoice,
    availability: &Availability,
) -> Result<ChosenService, Unavailable> {
    let can_be_container = service.providers.iter().any(is_container);
    let mut reasons = Vec::new();
    let mut remedies = Vec::new();
    for provider in &service.providers {
        let obstacle = match choice {
            BackendChoice::Docker if can_be_container && !is_container(provider) => Some(Obstacle {
                reason: "CHAOS_BACKEND=docker asks for a container".to_owned(),
                remedy: String::new(),
            }),
            BackendChoice::Process if is_container(provider) => Some(Obstacle {
                reason: "CHAOS_BACKEND=process rules out containers".to_owned(),
                remedy: "set CHAOS_BACKEND=auto".to_owned(),
            }),
            // Asked first: it costs no probe.
            _ => faults
                .iter()
                .find_map(|fault| supports(&provider.kind, *fault).err())
                .map(|reason| Obstacle { reason, remedy: String::new() })
                .or_else(|| availability.obstacle(&provider.kind))
                .or_else(|| availability.obstacle_to_routes(provider)),
        };
        let Some(Obstacle { reason, remedy }) = obstacle else {
            let mut provider = provider.clone();
            if let ProviderKind::Container { image, .. } = &mut provider.kind {
                *image = availability.full_image(image);
            }
            return Ok(ChosenService { name: service.name.clone(), provider, after: service.after.clone() });
        };
        reasons.push(format!("{provider}: {reason}"));
        if !remedy.is_empty() && !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    Err(Unavailable {
        service: service.name.clone(),
        reasons,
        remedy: remedies.join(", or "),
        needs_docker: can_be_container,
    })
}

fn is_container(provider: &Provider) -> bool {
    matches!(provider.kind, ProviderKind::Container { .. })
}

#[cfg(test)]
mod tests {
    use super::probes::fake_engine::FakeEngine;
    use super::*;
    use crate::engine_address::EngineAddress;
    use crate::system::{Source, container, external, process};
    #[cfg(target_os = "linux")]
    use crate::units::Bytes;

    fn redis(source: impl Into<Source>) -> ServiceSpec {
        let Source { providers, after } = source.into();
        ServiceSpec { name: "redis".into(), providers, after }
    }

    fn without_engine() -> Availability {
        let nowhere = EngineAddress::Unix("/nonexistent/docker.sock".into());
        Availability::new(nowhere, None, Some("/nonexistent".into()))
    }

    #[test]
    fn without_an_engine_the_alternative_is_used() {
        let chosen = choose(
            &redis(container("redis:7").port(6379).or(process("/bin/sh {port}"))),
            &[],
            BackendChoice::Auto,
            &without_engine(),
        );
        assert!(matches!(chosen.unwrap().provider.kind, ProviderKind::Command { .. }));
    }

    #[test]
    fn what_cannot_be_provided_says_why_and_what_helps() {
        let service = redis(container("redis:7").port(6379).or(process("redis-server --port {port}")));
        let error = choose(&service, &[], BackendChoice::Auto, &without_engine()).unwrap_err();
        assert!(error.needs_docker);
        assert_eq!(
            error.to_string(),
            "service `redis` cannot be provided here: container redis:7: no Docker engine at \
             unix:///nonexistent/docker.sock; process redis-server: command not found: redis-server. To run it, start \
             Docker or set DOCKER_HOST, or install redis-server (Debian: apt-get install redis-server) or put it on \
             the PATH"
        );
    }

    #[test]
    fn an_image_that_is_there_is_used_under_its_full_name() {
        let engine = FakeEngine::with_images(&["mirror/redis:7"]);
        let availability = Availability::new(engine.address(), Some("mirror/".into()), None);
        let chosen =
            choose(&redis(container("redis:7").port(6379)), &[], BackendChoice::Auto, &availability).unwrap();
        assert!(
            matches!(chosen.provider.kind, ProviderKind::Container { image, .. } if image == "mirror/redis:7")
        );
    }

    #[test]
    fn containers_of_an_engine_elsewhere_do_not_reach_the_routes() {
        let elsewhere = Availability::new(EngineAddress::Tcp("build:2375".to_owned()), None, None);
        let here = without_engine();
        let provider = |source: Source| source.providers.into_iter().next().unwrap();
        let shop = || container("shop:1").port(80);
        assert_eq!(elsewhere.obstacle_to_routes(&provider(shop().env("PORT={port}").into())), None);
        let shop = provider(shop().env("CACHE={cache}").into());
        assert_eq!(here.obstacle_to_routes(&shop), None);
        let obstacle = elsewhere.obstacle_to_routes(&shop).unwrap();
        assert_eq!(
            obstacle.reason,
            "it is given the route to `cache`, which is on this machine, and containers of the engine at \
             tcp://build:2375 do not reach it"
        );
        assert!(obstacle.remedy.contains("run it as a process"), "{}", obstacle.remedy);
        assert_eq!(elsewhere.obstacle_to_routes(&provider(process("/bin/sh {port} {cache}").into())), None);
    }

    #[test]
    fn a_choice_rules_out_the_other_backend() {
        let engine = FakeEngine::with_images(&["redis:7"]);
        let availability = Availability::new(engine.address(), None, None);
        let both = redis(process("/bin/sh {port}").or(container("redis:7").port(6379)));
        let kind = |choice| choose(&both, &[], choice, &availability).unwrap().provider.kind;
        assert!(matches!(kind(BackendChoice::Auto), ProviderKind::Command { .. }));
        assert!(matches!(kind(BackendChoice::Docker), ProviderKind::Container { .. }));
        let only_container = redis(container("redis:7").port(6379));
        let error = choose(&only_container, &[], BackendChoice::Process, &availability).unwrap_err();
        assert!(error.to_string().contains("CHAOS_BACKEND=process rules out containers"), "{error}");
        // Nothing to choose between.
        assert!(choose(&redis(external("localhost:1")), &[], BackendChoice::Docker, &availability).is_ok());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_provider_that_cannot_take_a_fault_is_passed_over() {
        let engine = FakeEngine::with_images(&["redis:7"]);
        let availability = Availability::new(engine.address(), None, None);
        let both = redis(container("redis:7").port(6379).or(process("/bin/sh {port}")));
        let kind =
            |faults: &[_]| choose(&both, faults, BackendChoice::Auto, &availability).unwrap().provider.kind;
        let memory = InstanceFault::LimitMemory { to: Bytes::new(1 << 20) };
        assert!(matches!(kind(&[InstanceFault::Kill]), ProviderKind::Container { .. }));
        assert!(matches!(kind(&[InstanceFault::Kill, memory]), ProviderKind::Command { .. }));
        let only_container = redis(container("redis:7").port(6379));
        let error = choose(&only_container, &[memory], BackendChoice::Auto, &availability).unwrap_err();
        assert!(error.needs_docker);
        assert_eq!(
            error.to_string(),
            "service `redis` cannot be provided here: container redis:7: `limit_memory` limits the address space of a \
             process, and redis:7 is a container"
        );
    }
}
