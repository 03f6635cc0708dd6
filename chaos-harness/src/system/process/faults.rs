//! Faults on processes: how each is made, proved and undone.

use super::duty_cycle::DutyCycle;
use super::group::{self, ProcessGroup};
use super::{ENDS_WITHIN, ProcessInstance, State, end, kill, table};
use crate::BoxError;
use crate::clock;
use crate::fault::InstanceFault;
use crate::safety::{Rung, UndoAction, UndoId, UndoLog, Undone, climb};
use crate::system::Ready;
use crate::system::error::{Step, SystemError};
use crate::system::instance::Effect;
use crate::system::ready;
use futures::FutureExt as _;
use rustix::process::{Pid, Signal};
use std::fmt;
use std::io;
use std::time::Duration;

/// How long the system may take to show what a signal did.
const SETTLES_WITHIN: Duration = Duration::from_secs(1);
/// How long a frozen instance is given to answer, to prove that it does not.
const SILENCE: Duration = Duration::from_millis(200);

/// The faults that are in effect on one process.
#[derive(Debug, Default)]
pub(super) struct Applied {
    paused: Option<UndoId>,
    starved: Option<(DutyCycle, UndoId)>,
    limited: Vec<Limited>,
}

/// The soft and the hard limit of an address space, in bytes.
type Limits = (Option<u64>, Option<u64>);

/// A process whose address space is limited, and the limits it had.
#[derive(Debug)]
struct Limited {
    pid: Pid,
    /// When it was started: a later process may have its number.
    started: u64,
    limits: Limits,
    record: UndoId,
}

impl Applied {
    /// What is in the way of one more fault.
    fn conflict(&self, fault: InstanceFault) -> Option<&'static str> {
        match fault {
            InstanceFault::Pause | InstanceFault::StarveCpu { .. } if self.paused.is_some() => {
                Some("it is already paused")
            }
            // The duty cycle would let a paused process go on.
            InstanceFault::Pause | InstanceFault::StarveCpu { .. } if self.starved.is_some() => {
                Some("it is already starved of CPU, by being frozen in turns")
            }
            InstanceFault::LimitMemory { .. } if !self.limited.is_empty() => {
                Some("its memory is already limited")
            }
            _ => None,
        }
    }

    /// Notes that none is in effect any more, since the process has ended or is about to.
    pub(super) fn clear(&mut self, log: &UndoLog) -> io::Result<()> {
        let starved = self.starved.take().map(|(_, record)| record);
        let limited = self.limited.drain(..).map(|limited| limited.record);
        starved.into_iter().chain(self.paused.take()).chain(limited).try_for_each(|record| log.done(record))
    }
}

impl ProcessInstance {
    pub(super) async fn inject_fault(&self, fault: InstanceFault) -> Result<(), SystemError> {
        let failed = |cause: BoxError| SystemError::fault(Step::Inject, fault, &self.launch.label, cause);
        let mut state = self.state.lock().await;
        let group = state.running.group.clone();
        if let Some(status) = group.status() {
            return Err(failed(format!("it had already ended: {}", group::describe(status)).into()));
        }
        if let Some(conflict) = state.applied.conflict(fault) {
            return Err(failed(conflict.into()));
        }
        match fault {
            InstanceFault::Kill | InstanceFault::Stop { .. } => {
                self.launch.note_strays(&mut state.running).map_err(|error| failed(error.into()))?;
                let ended = match fault {
                    InstanceFault::Stop { grace } => end(&group, grace).await,
                    _ => kill(&group).await,
                };
                ended.map_err(|error| failed(error.into()))?;
            }
            InstanceFault::Pause => {
                let record = self.record_resume(&group).map_err(|error| failed(error.into()))?;
                state.applied.paused = Some(record);
                group.signal(Signal::STOP);
                self.launch.undo.applied(record).map_err(|error| failed(error.into()))?;
                if becomes(&group, true).await == Some(false) {
                    return Err(failed("it is not frozen by SIGSTOP".into()));
                }
            }
            InstanceFault::StarveCpu { to } => {
                let record = self.record_resume(&group).map_err(|error| failed(error.into()))?;
                let cycle = DutyCycle::start(group, to).map_err(|error| failed(error.into()))?;
                state.applied.starved = Some((cycle, record));
                self.launch.undo.applied(record).map_err(|error| failed(error.into()))?;
            }
            InstanceFault::LimitMemory { to } => {
                for pid in table::members(group.leader()) {
                    let limited = self.limit(pid, to.get()).map_err(|error| failed(error.into()))?;
                    state.applied.limited.extend(limited);
                }
            }
        }
        Ok(())
    }

    fn record_resume(&self, group: &ProcessGroup) -> io::Result<UndoId> {
        self.launch.undo.record(UndoAction::ResumeProcess { pid: group.number(), started: group.started() })
    }

    /// Limits one process; `None` when it has ended meanwhile.
    fn limit(&self, pid: Pid, to: u64) -> io::Result<Option<Limited>> {
        let (Some(stat), Some((soft, hard))) = (table::stat(pid), table::address_space(pid)) else {
            return Ok(None);
        };
        let record = self.launch.undo.record(UndoAction::RestoreAddressSpace {
            pid: pid.as_raw_nonzero().get().unsigned_abs(),
            started: stat.started,
            soft,
            hard,
        })?;
        // Writing that down took a while: by now the number may be another process's.
        if !is_still(pid, stat.started) {
            self.launch.undo.done(record)?;
            return Ok(None);
        }
        // The hard limit stays: without privileges it could not be raised again.
        table::set_address_space(pid, (Some(to), hard))?;
        self.launch.undo.applied(record)?;
        Ok(Some(Limited { pid, started: stat.started, limits: (soft, hard), record }))
    }

    pub(super) async fn look_for(&self, fault: InstanceFault) -> Effect {
        let state = self.state.lock().await;
        let group = &state.running.group;
        match (fault, group.status()) {
            (InstanceFault::Kill | InstanceFault::Stop { .. }, None) => {
                Effect::NotSeen("it is still running".to_owned())
            }
            (InstanceFault::Kill | InstanceFault::Stop { .. }, Some(status)) => {
                let status = group::describe(status);
                if ready::refuses(self.port.address(), None, SETTLES_WITHIN).await {
                    Effect::Seen(format!("it has ended ({status}) and refuses connections"))
                } else {
                    Effect::NotSeen(format!("it has ended ({status}), but its port accepts connections"))
                }
            }
            // Allocations fail under the limit, and many programs end when one does.
            (InstanceFault::LimitMemory { to }, Some(status)) => {
                Effect::Seen(format!("it has ended under its limit of {to}: {}", group::describe(status)))
            }
            (_, Some(status)) => Effect::NotSeen(format!("it has ended: {}", group::describe(status))),
            (InstanceFault::Pause, None) => self.look_for_silence(group).await,
            (InstanceFault::StarveCpu { .. }, None) => match &state.applied.starved {
                Some((cycle, _)) if cycle.cycles() > 0 => {
                    Effect::Seen(format!("it has been frozen {} times", cycle.cycles()))
                }
                _ => Effect::NotSeen("it has never been frozen".to_owned()),
            },
            (InstanceFault::LimitMemory { to }, None) => {
                let limits: Vec<_> =
                    table::members(group.leader()).into_iter().filter_map(table::address_space).collect();
                if !limits.is_empty() && limits.iter().all(|(soft, _)| *soft == Some(to.get())) {
                    Effect::Seen(format!("its limit reads back as {to}"))
                } else {
                    Effect::NotSeen(format!("its limit does not read back as {to}"))
                }
            }
        }
    }

    async fn look_for_silence(&self, group: &ProcessGroup) -> Effect {
        let frozen = becomes(group, true).await;
        if frozen == Some(false) {
            return Effect::NotSeen("it is not frozen".to_owned());
        }
        match ready::answers(&self.launch.ready, self.port.address(), SILENCE).await {
            Some(true) => Effect::NotSeen("it still answers".to_owned()),
            Some(false) => Effect::Seen(format!("it answers nothing within {} ms", SILENCE.as_millis())),
            None if frozen == Some(true) => Effect::Seen("every process of it is frozen".to_owned()),
            None => Effect::NotSeen("this system does not say whether it is frozen".to_owned()),
        }
    }

    pub(super) async fn undo_fault(&self, fault: InstanceFault) -> Result<Undone, SystemError> {
        let failed = |cause: BoxError| SystemError::fault(Step::Undo, fault, &self.launch.label, cause);
        let mut state = self.state.lock().await;
        self.put_right(fault, &mut state).await.map_err(failed)
    }

    async fn put_right(&self, fault: InstanceFault, state: &mut State) -> Result<Undone, BoxError> {
        let undo = &self.launch.undo;
        let has_ended = state.running.group.status().is_some();
        let starts_again = match fault {
            InstanceFault::Kill | InstanceFault::Stop { .. } => true,
            InstanceFault::LimitMemory { .. } => has_ended,
            _ => false,
        };
        if starts_again {
            // What else was done to the process has gone with it.
            state.applied.clear(undo)?;
            kill(&state.running.group).await?;
            // They may hold what a new start needs.
            state.running.strays.end(undo).await?;
            self.launch.forget(&mut state.running)?;
            let let_go = state.running.let_go;
            state.running = self.launch.run(&self.port).await?;
            state.running.let_go = let_go;
            return Ok(Undone::AsMeant);
        }
        let group = state.running.group.clone();
        if let Some(status) = group.status() {
            state.applied.clear(undo)?;
            return Err(format!("it has ended meanwhile: {}", group::describe(status)).into());
        }
        let undone = self.let_go_on(fault, state, &group).await?;
        let holds = state.applied.paused.is_some() || state.applied.starved.is_some();
        if undone != Undone::AsMeant {
            // What else was done to it is gone with it.
            state.applied.clear(undo)?;
            state.running.strays.end(undo).await?;
            self.launch.forget(&mut state.running)?;
            return Ok(undone);
        }
        // It is not expected to answer while another fault holds it.
        if !holds {
            // It has logged that it was ready long ago: that it answers again is what counts now.
            let ready = match &self.launch.ready {
                Ready::Log { .. } => Ready::Tcp,
                other => other.clone(),
            };
            let mut log = self.launch.log.watch()?;
            self.launch.wait_until_ready(&group, &self.port, &ready, &mut log).await?;
        }
        Ok(undone)
    }

    /// Takes the fault off the group; by killing it where it must be.
    async fn let_go_on(
        &self,
        fault: InstanceFault,
        state: &mut State,
        group: &ProcessGroup,
    ) -> Result<Undone, BoxError> {
        let applied = &mut state.applied;
        let (mut limited, mut records) = (Vec::new(), Vec::new());
        match fault {
            InstanceFault::LimitMemory { .. } => limited = std::mem::take(&mut applied.limited),
            // Dropped, the cycle lets the group go on.
            InstanceFault::StarveCpu { .. } => {
                records.extend(applied.starved.take().map(|(_, record)| record));
            }
            _ => records.extend(applied.paused.take()),
        }
        records.extend(limited.iter().map(|limited| limited.record));
        // Another fault may hold it all the same.
        let goes_on = applied.paused.is_none() && applied.starved.is_none();
        let limited: Vec<_> = limited.iter().map(|one| (one.pid, one.started, one.limits)).collect();
        let undone = climb(&self.launch.label, &LADDER, |way| {
            let (group, limited) = (group.clone(), limited.clone());
            async move {
                match way {
                    Way::LetGoOn => release(&group, &limited, goes_on).await,
                    Way::Kill => Ok(kill(&group).await?),
                }
            }
            .boxed()
        });
        let undone = undone.await?;
        records.into_iter().try_for_each(|record| self.launch.undo.done(record))?;
        Ok(undone)
    }
}

/// How a fault is taken off a group.
#[derive(Debug, Clone, Copy)]
enum Way {
    LetGoOn,
    Kill,
}

/// 12 s in all.
const LADDER: [Rung<Way>; 2] = [
    Rung { way: Way::LetGoOn, within: SETTLES_WITHIN.saturating_mul(2) },
    Rung { way: Way::Kill, within: ENDS_WITHIN },
];

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LetGoOn => "let it go on as before",
            Self::Kill => "kill it",
        })
    }
}

/// Lifts limits, and lets the group go on, unless something else is to hold it.
async fn release(
    group: &ProcessGroup,
    limited: &[(Pid, u64, Limits)],
    goes_on: bool,
) -> Result<(), BoxError> {
    for (pid, started, limits) in limited {
        // One that has ended needs no limit, and one that came after it keeps its own.
        if is_still(*pid, *started) {
            table::set_address_space(*pid, *limits)?;
        }
    }
    if goes_on {
        group.signal(Signal::CONT);
        if becomes(group, false).await == Some(true) {
            return Err("it is still frozen".into());
        }
    }
    Ok(())
}

/// Whether the process of this number is the one that was started then.
fn is_still(pid: Pid, started: u64) -> bool {
    table::stat(pid).is_some_and(|stat| stat.started == started)
}

/// Waits until the group is frozen, or is not; the last thing seen when it does not become so.
async fn becomes(group: &ProcessGroup, frozen: bool) -> Option<bool> {
    let deadline = clock::now() + SETTLES_WITHIN;
    loop {
        let seen = group.is_frozen();
        if seen.is_none_or(|seen| seen == frozen) || clock::now() > deadline {
            return seen;
        }
        clock::sleep(Duration::from_millis(1)).await;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_number_that_another_process_has_by_now_is_not_the_one_that_was_meant() {
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        let started = table::stat(pid).unwrap().started;
        assert!(is_still(pid, started));
        assert!(!is_still(pid, started - 1));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_still(pid, started));
    }
}
