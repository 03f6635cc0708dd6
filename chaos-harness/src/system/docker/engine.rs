//! The Docker engine, as far as it is needed here.

use crate::engine_address::EngineAddress;
use crate::safety::TRIAL_LABEL;
use crate::safety::containers::{self, EngineError, Looks, within};
use crate::system::availability::image_remedy;
use crate::system::error::StartError;
use futures::stream::StreamExt as _;
use serde::Deserialize;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use testcontainers::TestcontainersError;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as BollardError;
use testcontainers::bollard::models::{ContainerInspectResponse, ContainerUpdateBody};
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptionsBuilder, StartContainerOptions, WaitContainerOptions,
};
use testcontainers::core::error::ClientError;

/// How long the engine may take to answer a question, or to do what a container takes at once.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How long it may take to start a container.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// What an engine counts as no quota, when it is set; an inspection says 0.
const NO_QUOTA: i64 = -1;
/// The period that a quota refers to unless it was set, in microseconds.
pub(super) const USUAL_PERIOD: i64 = 100_000;

/// A connection to the engine of one container. Each has its own: pooled connections end with the runtime they were
/// opened on, and trials in one process do not share one.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    pub(super) client: Docker,
    /// Where it is.
    pub(super) address: EngineAddress,
}

impl Engine {
    pub(super) fn connect() -> Result<Self, EngineError> {
        let address = EngineAddress::from_env();
        Ok(Self { client: containers::connect(&address)?, address })
    }

    pub(super) async fn inspect(&self, id: &str) -> Result<State, EngineError> {
        let found = self.client.inspect_container(id, None::<InspectContainerOptions>);
        within(ANSWERS_WITHIN, "inspect the container", found).await.map(State)
    }

    /// Waits for the container's end, for as long as it takes; how it ended.
    pub(super) async fn wait(&self, id: &str) -> Result<String, EngineError> {
        match self.client.wait_container(id, None::<WaitContainerOptions>).next().await {
            // A status other than 0 comes as an error.
            None | Some(Ok(_) | Err(BollardError::DockerContainerWaitError { .. })) => {
                Ok(self.inspect(id).await?.ended().unwrap_or_else(|| "it ended".to_owned()))
            }
            Some(Err(cause)) => Err(EngineError::Refused { what: "wait for the container", cause }),
        }
    }

    /// Waits for a container to end with the number of an error; one that ends well is waited for without end.
    pub(super) async fn refusal(&self, id: &str) -> Result<io::Error, EngineError> {
        match self.client.wait_container(id, None::<WaitContainerOptions>).next().await {
            Some(Err(BollardError::DockerContainerWaitError { code, .. })) => {
                Ok(io::Error::from_raw_os_error(i32::try_from(code).unwrap_or_default()))
            }
            Some(Err(cause)) => Err(EngineError::Refused { what: "wait for the container", cause }),
            None | Some(Ok(_)) => std::future::pending().await,
        }
    }

    pub(super) async fn kill(&self, id: &str, signal: &str) -> Result<(), EngineError> {
        let options = KillContainerOptionsBuilder::default().signal(signal).build();
        let sent = self.client.kill_container(id, Some(options));
        within(ANSWERS_WITHIN, "signal the container", sent).await
    }

    pub(super) async fn start(&self, id: &str) -> Result<(), EngineError> {
        let started = self.client.start_container(id, None::<StartContainerOptions>);
        within(STARTS_WITHIN, "start the container", started).await
    }

    pub(super) async fn pause(&self, id: &str) -> Result<(), EngineError> {
        within(ANSWERS_WITHIN, "pause the container", self.client.pause_container(id)).await
    }

    pub(super) async fn set_cpu_quota(&self, id: &str, quota: i64, period: i64) -> Result<(), EngineError> {
        let body = ContainerUpdateBody {
            cpu_quota: Some(quota),
            cpu_period: Some(period),
            ..ContainerUpdateBody::default()
        };
        let set = self.client.update_container(id, body);
        within(ANSWERS_WITHIN, "set the container's CPU quota", set).await
    }

    /// In how many periods the container has been throttled since it was started.
    pub(super) async fn throttled_periods(&self, id: &str) -> Result<u64, EngineError> {
        let path = format!("/containers/{id}/stats?stream=false&one-shot=true");
        let what = "read the container's statistics";
        let stats: Statistics = containers::ask(&self.address, &path, ANSWERS_WITHIN, what).await?;
        let throttling = stats.cpu_stats.and_then(|cpu| cpu.throttling_data);
        Ok(throttling.and_then(|throttling| throttling.throttled_periods).unwrap_or_default())
    }
}

/// What is needed of a container's statistics.
#[derive(Deserialize)]
struct Statistics {
    cpu_stats: Option<CpuStatistics>,
}

#[derive(Deserialize)]
struct CpuStatistics {
    throttling_data: Option<Throttling>,
}

#[derive(Deserialize)]
struct Throttling {
    throttled_periods: Option<u64>,
}

/// Removes everything that carries this trial's label.
pub(in crate::system) async fn remove_all(trial: &str, looks: Looks) -> Result<(), crate::BoxError> {
    Ok(containers::remove_all(&EngineAddress::from_env(), trial, looks).await?)
}

/// A container as the engine sees it.
pub(super) struct State(ContainerInspectResponse);

impl State {
    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<String> {
        let state = self.0.state.as_ref()?;
        if state.running == Some(true) {
            return None;
        }
        let code = state.exit_code.unwrap_or_default();
        let reason = match (state.oom_killed, code, state.error.as_deref()) {
            (Some(true), ..) => " (out of memory)".to_owned(),
            (_, 137, _) => " (SIGKILL)".to_owned(),
            (_, 143, _) => " (SIGTERM)".to_owned(),
            (.., Some(error)) if !error.is_empty() => format!(" ({error})"),
            _ => String::new(),
        };
        Some(format!("exit status {code}{reason}"))
    }

    /// Whether it carries the label of this trial: then the trial has started it.
    pub(super) fn belongs_to(&self, trial: &str) -> bool {
        let labels = self.0.config.as_ref().and_then(|config| config.labels.as_ref());
        labels.and_then(|labels| labels.get(TRIAL_LABEL)).is_some_and(|of| of == trial)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.0.state.as_ref().and_then(|state| state.paused) == Some(true)
    }

    /// Where this port of it is published.
    pub(super) fn published(&self, port: u16) -> Option<SocketAddr> {
        let ports = self.0.network_settings.as_ref()?.ports.as_ref()?;
        let bindings = ports.get(&format!("{port}/tcp"))?.as_ref()?;
        bindings.iter().find_map(|binding| {
            let host = binding.host_ip.as_deref().unwrap_or("127.0.0.1");
            Some(SocketAddr::new(host.parse().ok()?, binding.host_port.as_ref()?.parse().ok()?))
        })
    }

    /// Where it listens in its own network, if containers of this engine can be reached there.
    pub(super) fn inside(&self, engine: &Engine, port: u16) -> Option<SocketAddr> {
        if !(cfg!(target_os = "linux") && matches!(engine.address, EngineAddress::Unix(_))) {
            return None;
        }
        let networks = self.0.network_settings.as_ref()?.networks.as_ref()?;
        let address = networks.values().find_map(|network| network.ip_address.as_ref()?.parse().ok())?;
        Some(SocketAddr::new(address, port))
    }

    /// Its CPU quota and period, as they are set.
    pub(super) fn cpu_quota(&self) -> (i64, i64) {
        let host = self.0.host_config.as_ref();
        let set = |value: Option<i64>, usual| value.filter(|value| *value > 0).unwrap_or(usual);
        (
            set(host.and_then(|host| host.cpu_quota), NO_QUOTA),
            set(host.and_then(|host| host.cpu_period), USUAL_PERIOD),
        )
    }
}

/// An image's name and tag; `latest` when it has none.
pub(crate) fn name_and_tag(image: &str) -> (String, String) {
    match image.rsplit_once(':') {
        // A colon before a slash belongs to the registry's port.
        Some((name, tag)) if !tag.contains('/') => (name.to_owned(), tag.to_owned()),
        _ => (image.to_owned(), "latest".to_owned()),
    }
}

/// Why a container could not be started, with what would help.
pub(super) fn explain(image: &str, error: &TestcontainersError) -> StartError {
    match error {
        TestcontainersError::Client(ClientError::PullImage { err, .. }) => StartError::Image {
            image: image.to_owned(),
            cause: format!("it is not there and could not be pulled ({err})"),
            remedy: format!("check its name, {}", image_remedy(image)),
        },
        TestcontainersError::Client(ClientError::CreateContainer(err) | ClientError::StartContainer(err)) => {
            StartError::Engine(err.to_string())
        }
        other => StartError::Engine(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testcontainers::bollard::models::ContainerConfig;

    #[test]
    fn a_container_belongs_to_the_trial_of_its_label_and_to_no_other() {
        let labelled = |labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let config = ContainerConfig { labels: Some(labels.collect()), ..ContainerConfig::default() };
            State(ContainerInspectResponse { config: Some(config), ..ContainerInspectResponse::default() })
        };
        assert!(labelled(&[("chaos.trial", "ours")]).belongs_to("ours"));
        assert!(!labelled(&[("chaos.trial", "ours-2")]).belongs_to("ours"));
        assert!(!labelled(&[("chaos.run", "ours")]).belongs_to("ours"));
        assert!(!State(ContainerInspectResponse::default()).belongs_to(""));
    }

    #[test]
    fn a_tag_is_told_from_a_registry_port() {
        let split = |image| {
            let (name, tag) = name_and_tag(image);
            format!("{name} {tag}")
        };
        assert_eq!(split("redis:7"), "redis 7");
        assert_eq!(split("redis"), "redis latest");
        assert_eq!(split("localhost:5000/app"), "localhost:5000/app latest");
        assert_eq!(split("localhost:5000/app:2"), "localhost:5000/app 2");
        assert_eq!(split("redis@sha256:abc"), "redis@sha256 abc");
    }
}
