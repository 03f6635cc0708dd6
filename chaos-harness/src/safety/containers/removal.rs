//! Removing what carries a trial's label: containers, then the networks that they were on, then their volumes.

use super::{EngineError, OwnContainer, TRIAL_LABEL, ask, connect, is_gone, short, within};
use crate::causes::causes;
use crate::clock;
use crate::engine_address::EngineAddress;
use crate::engine_query::of_label;
use futures::future::join_all;
use serde::Deserialize;
use std::collections::HashMap;
use std::time::Duration;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::RemoveVolumeOptionsBuilder;

/// How long the engine may take to list what it has.
const LISTED_WITHIN: Duration = Duration::from_secs(5);

/// How long the removal of one network or volume may take.
const REMOVED_WITHIN: Duration = Duration::from_secs(5);

/// A container of a dead process may still be on its way through the engine: this long after the last one was
/// seen, none comes any more.
const SETTLE: Duration = Duration::from_millis(200);

/// For how long what cannot be removed is tried again: a network or volume is let go a little after its container.
const AGAIN_WITHIN: Duration = Duration::from_secs(3);

/// How many looks must find nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looks {
    /// Nothing is being made any more.
    One,
    /// Who made it is dead, and may have asked for more just before.
    Two,
}

/// What was found of a trial, by ids and names.
#[derive(Debug, Default)]
struct Found {
    containers: Vec<String>,
    networks: Vec<String>,
    volumes: Vec<String>,
}

/// Removes every container, network and volume of this trial. What cannot be removed keeps nothing else from it.
pub(crate) async fn remove_all(
    address: &EngineAddress,
    trial: &str,
    looks: Looks,
) -> Result<(), EngineError> {
    let engine = &connect(address)?;
    let mut clean_looks = 0;
    let deadline = clock::now() + AGAIN_WITHIN;
    let enough = if looks == Looks::One { 1 } else { 2 };
    loop {
        let found = find(address, trial).await?;
        if found.is_empty() {
            clean_looks += 1;
        } else {
            clean_looks = 0;
            let left = found.remove(engine, trial).await;
            if !left.is_empty() && clock::now() > deadline {
                return Err(EngineError::Left(left));
            }
            if left.is_empty() && looks == Looks::One {
                return Ok(());
            }
        }
        if clean_looks == enough {
            return Ok(());
        }
        clock::sleep(SETTLE).await;
    }
}

impl Found {
    fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }

    /// Removes it; what could not be removed, and why.
    async fn remove(&self, engine: &Docker, trial: &str) -> Vec<String> {
        let containers = self.containers.iter().map(|id| async move {
            let removed = OwnContainer { engine, id, trial }.remove().await;
            left(&format!("container {}", short(id)), removed)
        });
        let mut failures = join_all(containers).await;
        let networks = self.networks.iter().map(|id| async move {
            let removed = within(REMOVED_WITHIN, "remove the network", engine.remove_network(id)).await;
            left(&format!("network {}", short(id)), removed)
        });
        failures.extend(join_all(networks).await);
        let volumes = self.volumes.iter().map(|name| async move {
            let options = RemoveVolumeOptionsBuilder::default().force(true).build();
            left(
                &format!("volume {name}"),
                within(REMOVED_WITHIN, "remove the volume", engine.remove_volume(name, Some(options))).await,
            )
        });
        failures.extend(join_all(volumes).await);
        failures.into_iter().flatten().collect()
    }
}

/// A container or network, of all that the engine says of it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Labelled {
    id: String,
    labels: Option<HashMap<String, String>>,
}

/// A volume.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volume {
    name: String,
    labels: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volumes {
    volumes: Option<Vec<Volume>>,
}

async fn find(engine: &EngineAddress, trial: &str) -> Result<Found, EngineError> {
    let ours = of_label(TRIAL_LABEL, trial);
    let (containers, networks, volumes) = (
        format!("/containers/json?all=true&{ours}"),
        format!("/networks?{ours}"),
        format!("/volumes?{ours}"),
    );
    let (containers, networks, volumes) = tokio::try_join!(
        ask::<Vec<Labelled>>(engine, &containers, LISTED_WITHIN, "list containers"),
        ask::<Vec<Labelled>>(engine, &networks, LISTED_WITHIN, "list networks"),
        ask::<Volumes>(engine, &volumes, LISTED_WITHIN, "list volumes"),
    )?;
    // The engine has filtered by the label. That it did is not taken for granted: what follows cannot be undone.
    let is_ours = |labels: Option<&HashMap<String, String>>| {
        labels.and_then(|labels| labels.get(TRIAL_LABEL)).is_some_and(|found| found == trial)
    };
    let ids = |all: Vec<Labelled>| {
        all.into_iter().filter(|one| is_ours(one.labels.as_ref())).map(|one| one.id).collect()
    };
    let volumes = volumes.volumes.unwrap_or_default().into_iter().filter(|one| is_ours(one.labels.as_ref()));
    Ok(Found {
        containers: ids(containers),
        networks: ids(networks),
        volumes: volumes.map(|volume| volume.name).collect(),
    })
}

/// What could not be removed, and why; nothing where it is gone, or about to be.
fn left(what: &str, removed: Result<(), EngineError>) -> Option<String> {
    match removed {
        Ok(()) => None,
        Err(EngineError::Refused { cause, .. }) if is_gone(&cause) => None,
        Err(error) => Some(format!("could not remove {what}: {}", causes(&error))),
    }
}
