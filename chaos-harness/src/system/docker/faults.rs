//! Faults on containers: how each is made, proved and undone.

use super::engine::USUAL_PERIOD;
use super::{ContainerInstance, Starved, logs};
use crate::BoxError;
use crate::fault::InstanceFault;
use crate::safety::containers::{EngineError, Harm, OwnContainer};
use crate::safety::{TRIAL_LABEL, UndoAction, Undone};
use crate::system::Ready;
use crate::system::error::{Step, SystemError};
use crate::system::instance::Effect;
use crate::system::ready;
use crate::units::Percent;
use std::time::Duration;
use tokio::time::timeout;

/// How long a frozen instance is given to answer, to prove that it does not.
const SILENCE: Duration = Duration::from_millis(200);
/// How long the engine may take to take back the port of a container that has ended.
const SETTLES_WITHIN: Duration = Duration::from_secs(1);
/// How long the engine may take to notice that a killed container has ended.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

impl ContainerInstance {
    pub(super) async fn inject_fault(&self, fault: InstanceFault) -> Result<(), SystemError> {
        let label = &self.launch.label;
        self.make(fault).await.map_err(|cause| SystemError::fault(Step::Inject, fault, label, cause))
    }

    async fn make(&self, fault: InstanceFault) -> Result<(), BoxError> {
        let state = self.engine.inspect(&self.id).await?;
        let trial = &self.launch.trial;
        if !state.belongs_to(trial) {
            return Err(format!(
                "container {} is not this trial's: its label {TRIAL_LABEL} is not `{trial}`",
                self.id
            )
            .into());
        }
        if let Some(status) = state.ended() {
            return Err(format!("it had already ended: {status}").into());
        }
        let mut applied = self.applied.lock().await;
        match fault {
            // What was recorded first must stay recorded: it knows how things were before.
            InstanceFault::Pause if applied.paused.is_some() => return Err("it is already paused".into()),
            InstanceFault::StarveCpu { .. } if applied.starved.is_some() => {
                return Err("it is already starved of CPU".into());
            }
            InstanceFault::Kill => self.end("SIGKILL", NOTICED_WITHIN).await?,
            InstanceFault::Stop { grace } => {
                // Not the engine's own stop: its grace is in whole seconds.
                if self.end("SIGTERM", grace).await.is_err() {
                    self.end("SIGKILL", NOTICED_WITHIN).await?;
                }
            }
            InstanceFault::Pause => {
                let undo = UndoAction::UnpauseContainer {
                    engine: self.engine.address.clone(),
                    id: self.id.clone(),
                    trial: self.launch.trial.clone(),
                };
                let record = *applied.paused.insert(self.launch.undo.record(undo)?);
                self.engine.pause(&self.id).await?;
                self.launch.undo.applied(record)?;
            }
            InstanceFault::StarveCpu { to } => {
                let (quota, period) = state.cpu_quota();
                let throttled = self.engine.throttled_periods(&self.id).await?;
                let undo = UndoAction::RestoreCpuQuota {
                    engine: self.engine.address.clone(),
                    id: self.id.clone(),
                    trial: self.launch.trial.clone(),
                    quota,
                    period,
                };
                let record = self.launch.undo.record(undo)?;
                applied.starved = Some(Starved { quota, period, throttled, record });
                let (quota, period) = cpu_quota(to);
                self.engine.set_cpu_quota(&self.id, quota, period).await?;
                self.launch.undo.applied(record)?;
            }
            InstanceFault::LimitMemory { .. } => return Err("only processes take this fault".into()),
        }
        Ok(())
    }

    /// Sends a signal and waits for the container's end.
    async fn end(&self, signal: &str, limit: Duration) -> Result<(), BoxError> {
        let sent = self.engine.kill(&self.id, signal).await;
        if let Ok(ended) = timeout(limit, self.engine.wait(&self.id)).await {
            return Ok(ended.map(drop)?);
        }
        sent?;
        Err(format!("it has not ended within {} ms of {signal}", limit.as_millis()).into())
    }

    pub(super) async fn look_for(&self, fault: InstanceFault) -> Result<Effect, SystemError> {
        let label = &self.launch.label;
        self.effect_of(fault).await.map_err(|cause| SystemError::fault(Step::Confirm, fault, label, cause))
    }

    async fn effect_of(&self, fault: InstanceFault) -> Result<Effect, EngineError> {
        let state = self.engine.inspect(&self.id).await?;
        let upstream = *self.upstream.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(match (fault, state.ended()) {
            (InstanceFault::Kill | InstanceFault::Stop { .. }, None) => {
                Effect::NotSeen("it is still running".to_owned())
            }
            (InstanceFault::Kill | InstanceFault::Stop { .. }, Some(status)) => {
                if ready::refuses(upstream, Some(SILENCE), SETTLES_WITHIN).await {
                    Effect::Seen(format!("it has ended ({status}) and refuses connections"))
                } else {
                    Effect::NotSeen(format!("it has ended ({status}), but its port accepts connections"))
                }
            }
            (_, Some(status)) => Effect::NotSeen(format!("it has ended: {status}")),
            (InstanceFault::Pause, None) if !state.is_paused() => {
                Effect::NotSeen("it is not paused".to_owned())
            }
            (InstanceFault::Pause, None) => match ready::answers(&self.launch.ready, upstream, SILENCE).await
            {
                Some(true) => Effect::NotSeen("it still answers".to_owned()),
                Some(false) => Effect::Seen(format!(
                    "it is paused and answers nothing within {} ms",
                    SILENCE.as_millis()
                )),
                None => Effect::Seen("it is paused".to_owned()),
            },
            (InstanceFault::StarveCpu { to }, None) => {
                self.look_for_throttling(to, state.cpu_quota()).await?
            }
            (InstanceFault::LimitMemory { .. }, None) => {
                Effect::NotSeen("only processes take this fault".to_owned())
            }
        })
    }

    async fn look_for_throttling(&self, to: Percent, set: (i64, i64)) -> Result<Effect, EngineError> {
        let applied = self.applied.lock().await;
        let Some(starved) = applied.starved else {
            return Ok(Effect::NotSeen("it has not been starved".to_owned()));
        };
        if set != cpu_quota(to) {
            return Ok(Effect::NotSeen(format!("its quota is {} of {} us, not {to}", set.0, set.1)));
        }
        let throttled = self.engine.throttled_periods(&self.id).await?.saturating_sub(starved.throttled);
        Ok(if throttled > 0 {
            Effect::Seen(format!("it was throttled in {throttled} periods"))
        } else {
            Effect::NotSeen("its quota is set, but it never needed more".to_owned())
        })
    }

    pub(super) async fn undo_fault(&self, fault: InstanceFault) -> Result<Undone, SystemError> {
        let label = &self.launch.label;
        self.put_right(fault).await.map_err(|cause| SystemError::fault(Step::Undo, fault, label, cause))
    }

    async fn put_right(&self, fault: InstanceFault) -> Result<Undone, BoxError> {
        let mut applied = self.applied.lock().await;
        let (harm, record) = match fault {
            InstanceFault::Kill | InstanceFault::Stop { .. } => {
                self.restart().await?;
                return Ok(Undone::AsMeant);
            }
            InstanceFault::Pause => (Harm::Paused, applied.paused),
            InstanceFault::StarveCpu { .. } => match applied.starved {
                Some(Starved { quota, period, record, .. }) => {
                    (Harm::Starved { quota, period }, Some(record))
                }
                None => return Ok(Undone::AsMeant),
            },
            InstanceFault::LimitMemory { .. } => return Ok(Undone::AsMeant),
        };
        let undone = self.own().put_right(harm).await?;
        match harm {
            Harm::Paused => applied.paused = None,
            Harm::Starved { .. } => applied.starved = None,
        }
        record.map_or(Ok(()), |record| self.launch.undo.done(record))?;
        if applied.paused.is_some() || undone != Undone::AsMeant {
            // It is not expected to answer while another fault holds it, or when it is no more.
            return Ok(undone);
        }
        // It has logged that it was ready long ago: that it answers again is what counts now.
        let ready = match &self.launch.ready {
            Ready::Log { .. } => Ready::Tcp,
            other => other.clone(),
        };
        self.wait_until_ready(&ready).await?;
        Ok(undone)
    }

    /// The container, as one that only this trial touches.
    pub(super) fn own(&self) -> OwnContainer<'_> {
        OwnContainer { engine: &self.engine.client, id: &self.id, trial: &self.launch.trial }
    }

    async fn restart(&self) -> Result<(), BoxError> {
        let mut watch = self.launch.log.watch()?;
        // Not where an undo that was cut off has started it already.
        if self.engine.inspect(&self.id).await?.ended().is_some() {
            let output = self.launch.log.append()?;
            logs::follow_next_start(&self.engine, &self.id, output).await?;
            self.engine.start(&self.id).await?;
        }
        let state = self.engine.inspect(&self.id).await?;
        let port = self.launch.port;
        let Some(upstream) = state.published(port) else {
            let status = state.ended().unwrap_or_else(|| "its port is not published".to_owned());
            return Err(format!("it ended again: {status}{}", self.launch.last_words().await).into());
        };
        let addresses = (upstream, state.inside(&self.engine, port));
        let (ready, limit) = (&self.launch.ready, self.launch.ready_within);
        self.launch.wait_until_ready(&self.engine, &self.id, addresses, ready, &mut watch, limit).await?;
        Ok(self.point_to(upstream).await?)
    }

    async fn wait_until_ready(&self, ready: &Ready) -> Result<(), BoxError> {
        let mut watch = self.launch.log.watch()?;
        let state = self.engine.inspect(&self.id).await?;
        let port = self.launch.port;
        let upstream = state.published(port).ok_or_else(|| {
            format!("it has ended meanwhile: {}", state.ended().unwrap_or_else(|| "no port".to_owned()))
        })?;
        let addresses = (upstream, state.inside(&self.engine, port));
        let limit = self.launch.ready_within;
        self.launch.wait_until_ready(&self.engine, &self.id, addresses, ready, &mut watch, limit).await?;
        Ok(())
    }
}

/// The quota that leaves this share of one CPU, and the period it refers to, in microseconds.
fn cpu_quota(share: Percent) -> (i64, i64) {
    /// The kernel takes no smaller quota, and no longer period than ten times the usual one.
    const SMALLEST: i64 = 1_000;
    let of = |period: i64| period * i64::from(share.ppm()) / 1_000_000;
    if of(USUAL_PERIOD) >= SMALLEST {
        (of(USUAL_PERIOD), USUAL_PERIOD)
    } else {
        (of(10 * USUAL_PERIOD).max(SMALLEST), 10 * USUAL_PERIOD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_never_smaller_than_the_kernel_takes() {
        assert_eq!(cpu_quota(Percent::new(10)), (10_000, 100_000));
        assert_eq!(cpu_quota(Percent::new(1)), (1_000, 100_000));
        assert_eq!(cpu_quota(Percent::from_ppm(5_000)), (5_000, 1_000_000));
        assert_eq!(cpu_quota(Percent::from_ppm(1)), (1_000, 1_000_000));
    }
}
