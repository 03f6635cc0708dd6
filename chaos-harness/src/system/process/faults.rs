//! Faults on processes: how each is made, proved and undone.

use super::duty_cycle::DutyCycle;
use super::group::{self, ProcessGroup};
use super::table::{self, Limits};
use super::{ENDS_WITHIN, ProcessInstance, State, end, kill};
use crate::BoxError;
use crate::clock;
use crate::fault::InstanceFault;
use crate::safety::{ProcessId, Rung, UndoAction, UndoId, UndoLog, Undone, climb};
use crate::system::Ready;
use crate::system::error::{Step, SystemError};
use crate::system::instance::Effect;
use crate::system::ready;
use futures::FutureExt as _;
use rustix::process::Signal;
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
    starved: Option<Starved>,
    limited: Vec<Limited>,
}

/// A group that is frozen in turns.
#[derive(Debug)]
struct Starved {
    /// Until its end, which may come before all is undone.
    cycle: Option<DutyCycle>,
    record: UndoId,
}

/// A process whose address space is limited, and the limits it had.
#[derive(Debug)]
struct Limited {
    id: ProcessId,
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
        let starved = self.starved.take().map(|starved| starved.record);
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
                state.applied.starved = Some(Starved { cycle: Some(cycle), record });
                self.launch.undo.applied(record).map_err(|error| failed(error.into()))?;
            }
            InstanceFault::LimitMemory { to } => {
                for id in table::members(group.leader()) {
                    let limited = self.limit(id, to.get()).map_err(|error| failed(error.into()))?;
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
    fn limit(&self, id: ProcessId, to: u64) -> io::Result<Option<Limited>> {
        let Some(limits @ (soft, hard)) = table::address_space(id) else { return Ok(None) };
        let ProcessId { pid, started } = id;
        let record = self.launch.undo.record(UndoAction::RestoreAddressSpace { pid, started, soft, hard })?;
        // The hard limit stays: without privileges it could not be raised again.
        table::set_address_space(id, (Some(to), hard))?;
        self.launch.undo.applied(record)?;
        Ok(Some(Limited { id, limits, record }))
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
            (InstanceFault::StarveCpu { .. }, None) => {
                let cycle = state.applied.starved.as_ref().and_then(|starved| starved.cycle.as_ref());
                match cycle.map_or(0, DutyCycle::cycles) {
                    0 => Effect::NotSeen("it has never been frozen".to_owned()),
                    times => Effect::Seen(format!("it has been frozen {times} times")),
                }
            }
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
        let (is_paused, is_starved) = (applied.paused.is_some(), applied.starved.is_some());
        let mut lifted = Lifted::default();
        // Another fault may hold it all the same.
        let goes_on = match fault {
            InstanceFault::LimitMemory { to } => {
                lifted.limits = applied.limited.iter().map(|limited| (limited.id, limited.limits)).collect();
                lifted.of = Some(to.get());
                !is_paused && !is_starved
            }
            InstanceFault::StarveCpu { .. } => {
                // Dropped, the cycle lets the group go on.
                drop(applied.starved.as_mut().and_then(|starved| starved.cycle.take()));
                !is_paused
            }
            _ => !is_starved,
        };
        let undone = climb(&self.launch.label, &LADDER, |way| {
            let (group, lifted) = (group.clone(), lifted.clone());
            async move {
                match way {
                    Way::LetGoOn => release(&group, &lifted, goes_on).await,
                    Way::Kill => Ok(kill(&group).await?),
                }
            }
            .boxed()
        });
        let undone = undone.await?;
        // Only now: what is cut off in the middle is done again.
        let records: Vec<_> = match fault {
            InstanceFault::LimitMemory { .. } => applied.limited.drain(..).map(|one| one.record).collect(),
            InstanceFault::StarveCpu { .. } => {
                applied.starved.take().map(|one| one.record).into_iter().collect()
            }
            _ => applied.paused.take().into_iter().collect(),
        };
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

/// Limits of memory that are to be lifted.
#[derive(Debug, Clone, Default)]
struct Lifted {
    /// Whose, and what each had before.
    limits: Vec<(ProcessId, Limits)>,
    /// What they were limited to.
    of: Option<u64>,
}

impl Lifted {
    /// Lifts the limits, also those of processes that were started under one since.
    async fn lift(&self, group: &ProcessGroup) -> io::Result<()> {
        for (id, limits) in &self.limits {
            table::set_address_space(*id, *limits)?;
        }
        let Some((_, usual)) = self.limits.first().filter(|(_, (soft, _))| *soft != self.of) else {
            return Ok(());
        };
        loop {
            let is_heir = |id: &ProcessId| table::address_space(*id) == Some((self.of, usual.1));
            let heirs: Vec<_> = table::members(group.leader()).into_iter().filter(is_heir).collect();
            if heirs.is_empty() {
                return Ok(());
            }
            heirs.into_iter().try_for_each(|id| table::set_address_space(id, *usual))?;
            // Who has just been born is seen by the next look. There is a time limit to that.
            tokio::task::yield_now().await;
        }
    }
}

/// Lifts limits, and lets the group go on, unless something else is to hold it.
async fn release(group: &ProcessGroup, lifted: &Lifted, goes_on: bool) -> Result<(), BoxError> {
    lifted.lift(group).await?;
    if goes_on {
        group.signal(Signal::CONT);
        if becomes(group, false).await == Some(true) {
            return Err("it is still frozen".into());
        }
    }
    Ok(())
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
    use crate::safety::victim::wait_until;
    use std::process::Command;

    #[tokio::test]
    async fn what_was_started_under_a_limit_loses_it_too() {
        const LIMIT: u64 = 4 << 30;
        let script = "kill -STOP $$; sleep 1000 & wait";
        let group = ProcessGroup::spawn(Command::new("sh").args(["-c", script])).unwrap();
        wait_until("it stands still", || group.is_frozen() == Some(true));
        let usual = table::address_space(group.id()).unwrap();
        let later = ProcessId { started: group.started() + 1, ..group.id() };
        table::set_address_space(later, (Some(LIMIT), usual.1)).unwrap();
        assert_eq!(table::address_space(group.id()), Some(usual), "a later one of its number");
        table::set_address_space(group.id(), (Some(LIMIT), usual.1)).unwrap();
        group.signal(Signal::CONT);
        wait_until("it has a child", || table::members(group.leader()).len() == 2);

        let lifted = Lifted { limits: vec![(group.id(), usual)], of: Some(LIMIT) };
        lifted.lift(&group).await.unwrap();
        let limits: Vec<_> =
            table::members(group.leader()).into_iter().filter_map(table::address_space).collect();
        assert_eq!(limits, [usual, usual]);
        group.signal(Signal::KILL);
        group.wait().await;
    }
}
