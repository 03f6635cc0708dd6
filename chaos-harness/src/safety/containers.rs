//! Undoing on containers, and the removal of all that a trial has at the engine.

mod removal;

pub(crate) use removal::{Looks, remove_all};

use super::fallback::{Rung, Stuck, Undone, climb};
use crate::clock;
use crate::engine_address::EngineAddress;
use crate::engine_query;
use futures::FutureExt as _;
use serde::de::DeserializeOwned;
use std::fmt;
use std::io;
use std::time::Duration;
use testcontainers::bollard::errors::Error as ApiError;
use testcontainers::bollard::models::{ContainerInspectResponse, ContainerUpdateBody};
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers::bollard::{API_DEFAULT_VERSION, Docker};
use tokio::time::timeout;

/// The labels that every container of a trial has.
pub(crate) const TRIAL_LABEL: &str = "chaos.trial";
pub(crate) const RUN_LABEL: &str = "chaos.run";

/// How long the client itself waits for an answer, in seconds: longer than anything that is asked may take.
const ANSWER_LIMIT: u64 = 120;

/// What is asked of the engine, in words.
const REMOVE: &str = "remove the container";

/// How long it may take to let a container go on, or to kill it. An engine under load takes a tenth of that.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// How long a removal may take, which has files to delete.
const REMOVED_WITHIN: Duration = Duration::from_secs(10);

/// Between two looks at whether a container has ended.
const POLL: Duration = Duration::from_millis(20);

/// The engine's default scheduling period, for a container that never had one set.
const DEFAULT_PERIOD: i64 = 100_000;

/// The container engine could not be asked, or did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// There is no client for it.
    #[error("the container engine at {address} cannot be reached")]
    Unreachable {
        /// Where it should be.
        address: EngineAddress,
        /// Why not.
        #[source]
        cause: ApiError,
    },
    /// It refused.
    #[error("could not {what}: {cause}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// Its answer.
        #[source]
        cause: ApiError,
    },
    /// It did not answer a question.
    #[error("could not {what}: {cause}")]
    Unanswered {
        /// What was asked.
        what: &'static str,
        /// What came instead.
        #[source]
        cause: io::Error,
    },
    /// It does not answer.
    #[error("could not {what}: the container engine has not answered within {} s", .limit.as_secs())]
    Silent {
        /// What was asked.
        what: &'static str,
        /// For how long it was waited for.
        limit: Duration,
    },
    /// It said yes, and it is not so.
    #[error("the container engine said yes, but {0}")]
    NotSo(String),
    /// Of what carries a trial's label, this could not be removed.
    #[error("{}", .0.join("; "))]
    Left(Vec<String>),
}

/// A client of the engine there. It asks nothing yet.
pub(crate) fn connect(address: &EngineAddress) -> Result<Docker, EngineError> {
    let connected = match address {
        EngineAddress::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), ANSWER_LIMIT, API_DEFAULT_VERSION)
        }
        EngineAddress::Tcp(_) | EngineAddress::Unsupported(_) => {
            Docker::connect_with_http(&address.to_string(), ANSWER_LIMIT, API_DEFAULT_VERSION)
        }
    };
    connected.map_err(|cause| EngineError::Unreachable { address: address.clone(), cause })
}

/// One call of the engine, within a time limit.
pub(crate) async fn within<T>(
    limit: Duration,
    what: &'static str,
    call: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, EngineError> {
    match timeout(limit, call).await {
        Ok(answer) => answer.map_err(|cause| EngineError::Refused { what, cause }),
        Err(_) => Err(EngineError::Silent { what, limit }),
    }
}

/// What the engine says to `GET path`, within a time limit.
pub(crate) async fn ask<T: DeserializeOwned>(
    engine: &EngineAddress,
    path: &str,
    limit: Duration,
    what: &'static str,
) -> Result<T, EngineError> {
    engine_query::ask(engine, path, limit).await.map_err(|cause| match cause.kind() {
        io::ErrorKind::TimedOut => EngineError::Silent { what, limit },
        _ => EngineError::Unanswered { what, cause },
    })
}

/// What was done to a container, and is to be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    Paused,
    /// It had this CPU quota and period, in microseconds, as an inspection says them.
    Starved {
        quota: i64,
        period: i64,
    },
}

/// How a container is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Undo(Harm),
    Kill,
    Remove,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Undo(Harm::Paused) => "unpause it",
            Self::Undo(Harm::Starved { .. }) => "restore its CPU quota",
            Self::Kill => "kill it",
            Self::Remove => "remove it",
        })
    }
}

impl Harm {
    /// The ways to undo it: 20 s in all.
    pub(crate) const fn ladder(self) -> [Rung<Way>; 3] {
        [
            Rung { way: Way::Undo(self), within: ENDS_WITHIN },
            Rung { way: Way::Kill, within: ENDS_WITHIN },
            Rung { way: Way::Remove, within: REMOVED_WITHIN },
        ]
    }
}

/// A container of a trial. It is looked at before it is touched: one that has this id, or name, and not the label of this
/// trial is another one, and the one that was meant is gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnContainer<'a> {
    pub(crate) engine: &'a Docker,
    pub(crate) id: &'a str,
    pub(crate) trial: &'a str,
}

impl OwnContainer<'_> {
    /// Undoes what was done to it, by force where it must be. It is a success when it is gone.
    pub(crate) async fn put_right(&self, harm: Harm) -> Result<Undone, Stuck> {
        let what = format!("container {}", short(self.id));
        climb(&what, &harm.ladder(), |way| {
            async move {
                match way {
                    Way::Undo(Harm::Paused) => self.unpause().await?,
                    Way::Undo(Harm::Starved { quota, period }) => {
                        self.restore_cpu_quota(quota, period).await?;
                    }
                    Way::Kill => self.kill().await?,
                    Way::Remove => self.remove().await?,
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Removes it with its volumes, running or not, within a time limit.
    pub(crate) async fn remove(&self) -> Result<(), EngineError> {
        let removal = async {
            if self.look().await?.is_none() {
                return Ok(());
            }
            let by_force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            match self.engine.remove_container(self.id, Some(by_force)).await {
                // Someone else removes it already: that is waited for.
                Err(cause) if !is_gone(&cause) && !is_conflict(&cause) => {
                    Err(EngineError::Refused { what: REMOVE, cause })
                }
                _ => self.until(|_| false).await,
            }
        };
        let silent = EngineError::Silent { what: REMOVE, limit: REMOVED_WITHIN };
        timeout(REMOVED_WITHIN, removal).await.unwrap_or(Err(silent))
    }

    async fn unpause(&self) -> Result<(), EngineError> {
        if !self.look().await?.as_ref().is_some_and(is_paused) {
            return Ok(());
        }
        let answer = self.engine.unpause_container(self.id).await;
        // Engines differ in the status for a container that goes on or goes away meanwhile: its state decides.
        if !self.look().await?.as_ref().is_some_and(is_paused) {
            return Ok(());
        }
        answer.map_err(|cause| EngineError::Refused { what: "unpause the container", cause })?;
        Err(EngineError::NotSo("it is still paused".to_owned()))
    }

    async fn restore_cpu_quota(&self, quota: i64, period: i64) -> Result<(), EngineError> {
        if self.look().await?.is_none() {
            return Ok(());
        }
        let wanted = settable(Some(quota), Some(period));
        let update = ContainerUpdateBody {
            cpu_quota: Some(wanted.0),
            cpu_period: Some(wanted.1),
            ..ContainerUpdateBody::default()
        };
        let answer = self.engine.update_container(self.id, update).await;
        let Some(now) = self.look().await? else { return Ok(()) };
        answer.map_err(|cause| EngineError::Refused { what: "set the container's CPU quota", cause })?;
        let host = now.host_config.unwrap_or_default();
        let set = settable(host.cpu_quota, host.cpu_period);
        if set == wanted {
            return Ok(());
        }
        Err(EngineError::NotSo(format!("its CPU quota is still {} of {} us", set.0, set.1)))
    }

    async fn kill(&self) -> Result<(), EngineError> {
        let is_running = |found: &ContainerInspectResponse| {
            found.state.as_ref().and_then(|state| state.running) == Some(true)
        };
        if !self.look().await?.as_ref().is_some_and(is_running) {
            return Ok(());
        }
        let options = KillContainerOptionsBuilder::default().signal("SIGKILL").build();
        match self.engine.kill_container(self.id, Some(options)).await {
            Err(cause) if !is_gone(&cause) && !is_conflict(&cause) => {
                Err(EngineError::Refused { what: "kill the container", cause })
            }
            _ => self.until(|found| !is_running(found)).await,
        }
    }

    /// Waits until it is so, or the container is gone. Without end: whoever asks has a time limit.
    async fn until(&self, is_so: impl Fn(&ContainerInspectResponse) -> bool) -> Result<(), EngineError> {
        while self.look().await?.is_some_and(|found| !is_so(&found)) {
            clock::sleep(POLL).await;
        }
        Ok(())
    }

    /// The container, if it is there and the trial's.
    async fn look(&self) -> Result<Option<ContainerInspectResponse>, EngineError> {
        match self.engine.inspect_container(self.id, None::<InspectContainerOptions>).await {
            Ok(found) => {
                let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
                let trial = labels.and_then(|labels| labels.get(TRIAL_LABEL));
                let is_ours =
                    found.id.as_deref() == Some(self.id) && trial.is_some_and(|trial| trial == self.trial);
                Ok(is_ours.then_some(found))
            }
            Err(cause) if is_gone(&cause) => Ok(None),
            Err(cause) => Err(EngineError::Refused { what: "inspect the container", cause }),
        }
    }
}

/// An id as it is shown to people.
pub(crate) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// A quota and period as they are set: an inspection says 0 for "none", which an update takes for "leave as it is".
fn settable(quota: Option<i64>, period: Option<i64>) -> (i64, i64) {
    (
        quota.filter(|quota| *quota > 0).unwrap_or(-1),
        period.filter(|period| *period > 0).unwrap_or(DEFAULT_PERIOD),
    )
}

fn is_paused(found: &ContainerInspectResponse) -> bool {
    found.state.as_ref().and_then(|state| state.paused) == Some(true)
}

fn is_gone(error: &ApiError) -> bool {
    matches!(error, ApiError::DockerResponseServerError { status_code: 404, .. })
}

fn is_conflict(error: &ApiError) -> bool {
    matches!(error, ApiError::DockerResponseServerError { status_code: 409, .. })
}

#[cfg(test)]
mod tests;
