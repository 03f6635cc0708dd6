//! Undoing on containers.

use crate::clock;
use std::collections::HashMap;
use std::time::Duration;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as ApiError;
use testcontainers::bollard::models::ContainerUpdateBody;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers::core::client::docker_client_instance;

/// The labels that every container of a trial has.
pub(crate) const TRIAL_LABEL: &str = "chaos.trial";
pub(crate) const RUN_LABEL: &str = "chaos.run";

/// A container of a dead process may still be on its way through the engine: this long after the last one was
/// seen, none comes any more.
const SETTLE: Duration = Duration::from_millis(200);

/// The engine's default scheduling period, for a container that never had one set.
const DEFAULT_PERIOD: i64 = 100_000;

/// The container engine could not be asked, or refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// There is no client for it.
    #[error("the container engine cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refused.
    #[error("the container engine refused")]
    Refused(#[from] ApiError),
}

async fn engine() -> Result<Docker, EngineError> {
    docker_client_instance().await.map_err(|error| EngineError::Unreachable(error.into()))
}

/// Removes every container of this trial.
pub(super) async fn remove_all(trial: &str) -> Result<(), EngineError> {
    let engine = engine().await?;
    let label = HashMap::from([("label", vec![format!("{TRIAL_LABEL}={trial}")])]);
    let ours = ListContainersOptionsBuilder::new().all(true).filters(&label).build();
    let by_force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let mut clean_looks = 0;
    while clean_looks < 2 {
        let found = engine.list_containers(Some(ours.clone())).await?;
        clean_looks = if found.is_empty() { clean_looks + 1 } else { 0 };
        let removals = found.iter().filter_map(|container| container.id.as_deref()).map(|id| {
            let (engine, by_force) = (&engine, by_force.clone());
            async move {
                match engine.remove_container(id, Some(by_force)).await {
                    // 409: someone else removes it already.
                    Err(ApiError::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
                    other => other,
                }
            }
        });
        for removal in futures::future::join_all(removals).await {
            removal?;
        }
        if clean_looks < 2 {
            clock::sleep(SETTLE).await;
        }
    }
    Ok(())
}

/// Lets a container go on.
pub(super) async fn unpause(id: &str) -> Result<(), EngineError> {
    let engine = engine().await?;
    if !is_paused(&engine, id).await? {
        return Ok(());
    }
    match engine.unpause_container(id).await {
        // Engines differ in the status for a container that goes on or goes away meanwhile: its state decides.
        Err(error) if is_paused(&engine, id).await? => Err(error.into()),
        _ => Ok(()),
    }
}

async fn is_paused(engine: &Docker, id: &str) -> Result<bool, EngineError> {
    match engine.inspect_container(id, None).await {
        Ok(container) => Ok(container.state.and_then(|state| state.paused).unwrap_or(false)),
        Err(ApiError::DockerResponseServerError { status_code: 404, .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Gives a container its quota back.
pub(super) async fn restore_cpu_quota(id: &str, quota: i64, period: i64) -> Result<(), EngineError> {
    // The engine says 0 for "none", and takes 0 for "leave as it is": none is -1.
    let quota = if quota == 0 { -1 } else { quota };
    let period = if period == 0 { DEFAULT_PERIOD } else { period };
    let update = ContainerUpdateBody {
        cpu_quota: Some(quota),
        cpu_period: Some(period),
        ..ContainerUpdateBody::default()
    };
    match engine().await?.update_container(id, update).await {
        Err(ApiError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use testcontainers::bollard::models::{ContainerCreateBody, HostConfig};

    /// An image of nothing but busybox, removed at the end.
    struct Image(String);

    impl Image {
        /// `None` where there is no engine, or no static busybox to make an image of.
        fn make() -> Option<Self> {
            let name = format!("chaos-test-guard:{}", std::process::id());
            let pipeline = format!("tar -C / -ch bin/busybox | docker import - {name}");
            let made = Command::new("sh")
                .args(["-c", &pipeline])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            let made = made.is_ok_and(|status| status.success());
            let required =
                std::env::var("CHAOS_REQUIRE").is_ok_and(|list| list.split(',').any(|word| word == "docker"));
            assert!(made || !required, "CHAOS_REQUIRE=docker, and no image can be made: {pipeline}");
            made.then_some(Self(name))
        }

        async fn start(&self, engine: &Docker, trial: &str) -> String {
            let body = ContainerCreateBody {
                image: Some(self.0.clone()),
                cmd: Some(["/bin/busybox", "sleep", "1000"].map(str::to_owned).to_vec()),
                labels: Some(HashMap::from([(TRIAL_LABEL.to_owned(), trial.to_owned())])),
                host_config: Some(HostConfig { cpu_quota: Some(10_000), ..HostConfig::default() }),
                ..ContainerCreateBody::default()
            };
            let id = engine.create_container(None, body).await.unwrap().id;
            engine.start_container(&id, None).await.unwrap();
            id
        }
    }

    impl Drop for Image {
        fn drop(&mut self) {
            drop(Command::new("docker").args(["rmi", "--force", &self.0]).stdout(Stdio::null()).status());
        }
    }

    #[tokio::test]
    async fn containers_go_on_get_their_quota_back_and_are_removed_by_trial() {
        let Some(image) = Image::make() else { return };
        let engine = engine().await.unwrap();
        let (ours, other) = (format!("ours-{}", std::process::id()), format!("other-{}", std::process::id()));
        let first = image.start(&engine, &ours).await;
        let second = image.start(&engine, &ours).await;
        let bystander = image.start(&engine, &other).await;

        engine.pause_container(&first).await.unwrap();
        unpause(&first).await.unwrap();
        assert!(!is_paused(&engine, &first).await.unwrap());
        unpause(&first).await.expect("it goes on already");

        restore_cpu_quota(&second, 0, 0).await.unwrap();
        let limits = engine.inspect_container(&second, None).await.unwrap().host_config.unwrap();
        assert_eq!(limits.cpu_quota, Some(-1));

        // A paused one, too.
        engine.pause_container(&second).await.unwrap();
        remove_all(&ours).await.unwrap();
        remove_all(&ours).await.expect("they are gone already");
        unpause(&first).await.expect("it is gone");
        restore_cpu_quota(&second, -1, 100_000).await.expect("it is gone");
        for gone in [&first, &second] {
            assert!(engine.inspect_container(gone, None).await.is_err());
        }
        let running = engine.inspect_container(&bystander, None).await.unwrap().state.unwrap().running;
        assert_eq!(running, Some(true));
        remove_all(&other).await.unwrap();
    }
}
