//! One crash, and what was left of it.

use crate::Outcome;
use crate::experiments::{NEW_START, ON_CONTAINERS, ON_SERVER};
use crate::observer::{Seen, Watcher, wait_until_clean};
use crate::part::{Part, Place, was_killed};
use std::fmt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// What kills a test process at its n-th transition; with its guard; a guard.
const OF_TEST: &str = "CHAOS_FAILPOINT";
const OF_BOTH: &str = "CHAOS_FAILPOINT_BOTH";
const OF_GUARD: &str = "CHAOS_FAILPOINT_GUARD";

/// What came of a crash.
pub(crate) struct Crash {
    /// What was done, in words.
    pub(crate) what: String,
    pub(crate) role: &'static str,
    pub(crate) place: Place,
    /// What the parts were seen to start.
    pub(crate) seen: Seen,
    /// Whether anything was killed: a part may have ended before that.
    pub(crate) happened: bool,
    /// Whether faults had been in effect when it was over. On a busy machine, a trial may end before that: its verdict is
    /// that its load was late.
    pub(crate) had_faults: bool,
    /// How many things were still to be undone when both were dead, where the guard died too.
    pub(crate) abandoned: usize,
    /// From the death of the test process until nothing was left; or what was left after all.
    pub(crate) clean: Result<Duration, Vec<String>>,
}

impl Crash {
    pub(crate) fn on_containers(&self) -> bool {
        ON_CONTAINERS.contains(&self.role)
    }

    /// Whether it may not have happened because its part has no more transitions.
    pub(crate) fn may_be_the_end(&self) -> bool {
        !self.happened && self.clean.is_ok()
    }

    pub(crate) fn on_server(&self) -> bool {
        self.role == ON_SERVER
    }
}

/// When a part is killed, or by what.
#[derive(Clone, Copy)]
pub(crate) enum When {
    After(Duration),
    /// While faults are in effect.
    InTurbulence,
    Transition(u64),
    Never,
}

impl When {
    /// What the part is told, by this variable.
    fn variables(self, failpoint: &'static str) -> Vec<(&'static str, String)> {
        match self {
            Self::Transition(number) => vec![(failpoint, number.to_string())],
            Self::After(_) | Self::InTurbulence | Self::Never => Vec::new(),
        }
    }

    /// Waits for this instant of a part. How the part ended, if it has.
    fn wait(self, part: &mut Part, place: &Place) -> Outcome<Option<ExitStatus>> {
        match self {
            Self::After(delay) => part.wait_until(part.began + delay),
            Self::InTurbulence if part.wait_for_turbulence(place)? => Ok(None),
            Self::InTurbulence | Self::Transition(_) | Self::Never => part.wait().map(Some),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(delay) => write!(f, "after {} ms", delay.as_millis()),
            Self::InTurbulence => f.write_str("in turbulence"),
            Self::Transition(number) => write!(f, "at transition {number}"),
            Self::Never => f.write_str("never"),
        }
    }
}

/// Starts a part and has it killed, alone. Its guard puts right what it left.
pub(crate) fn of_test(place: Place, role: &'static str, when: When) -> Outcome<Crash> {
    let mut part = place.start(role, &when.variables(OF_TEST))?;
    let watcher = watch(&part, &place, role);
    let (happened, how) = if let Some(status) = when.wait(&mut part, &place)? {
        (was_killed(status), ended(status))
    } else {
        part.kill_group()?;
        (true, "it was there".to_owned())
    };
    let died = Instant::now();
    let had_faults = place.was_in_turbulence();
    let seen = watcher.end();
    let clean = wait_until_clean(&place, &seen, ON_CONTAINERS.contains(&role), died);
    let what = format!("killed {when}: {how}");
    let place = place.without_server();
    Ok(Crash { what, role, place, seen, happened, had_faults, abandoned: 0, clean })
}

/// Who dies while a new start puts right what others left.
#[derive(Clone, Copy)]
pub(crate) enum Again {
    No,
    After(Duration),
    Transition(u64),
}

/// Starts a part and kills it with its guard. One new start puts right what they left, unless it is killed too.
pub(crate) fn of_both(place: Place, role: &'static str, when: When, again: Again) -> Outcome<Crash> {
    let mut part = place.start(role, &when.variables(OF_BOTH))?;
    let watcher = watch(&part, &place, role);
    let status = when.wait(&mut part, &place)?;
    let mut happened = status.is_none_or(was_killed);
    if status.is_none_or(|status| !was_killed(status)) {
        part.kill_with_guard(&place)?;
    }
    let died = Instant::now();
    let had_faults = place.was_in_turbulence();
    let mut seen = watcher.end();
    place.wait_for_guards()?;
    if matches!(when, When::Transition(_)) && happened && !is_abandoned(&place)? {
        return Err(format!("the guard of {} did not die {when}\n{}", place.token, place.said()).into());
    }
    let abandoned = abandoned(&place);
    let mut what = format!("killed with its guard {when}, {abandoned} to undo");
    match again {
        Again::No => {}
        Again::After(delay) => {
            let mut part = place.start(NEW_START, &[])?;
            let watcher = watch(&part, &place, role);
            part.wait_until(part.began + delay)?;
            part.kill_with_guard(&place)?;
            place.wait_for_guards()?;
            what = format!("{what}, and again in the new start after {} ms", delay.as_millis());
            seen = seen.and(watcher.end());
        }
        Again::Transition(number) => {
            let mut part = place.start(NEW_START, &[(OF_TEST, number.to_string())])?;
            let status = part.wait()?;
            // It may be the transition of a trial: that trial's guard acts, and is waited for below.
            happened = had_faults && was_killed(status);
            what = format!("{what}, and again at transition {number} of the new start: {}", ended(status));
        }
    }
    let clean = start_anew(&place, &seen, role, died)?;
    let place = place.without_server();
    Ok(Crash { what, role, place, seen, happened, had_faults, abandoned, clean })
}

/// Starts a part and kills it. Its guard dies at a transition of its own, and one new start puts right what is left.
pub(crate) fn of_guard(place: Place, role: &'static str, number: u64) -> Outcome<Crash> {
    let mut part = place.start(role, &[(OF_GUARD, number.to_string())])?;
    let watcher = watch(&part, &place, role);
    let had_faults = part.wait_for_turbulence(&place)?;
    part.kill_group()?;
    let died = Instant::now();
    let seen = watcher.end();
    // Its guard is gone by itself: dead at the transition, or done.
    place.wait_for_guards()?;
    let abandoned = abandoned(&place);
    let happened = had_faults && is_abandoned(&place)?;
    let what = format!("killed in turbulence, its guard at transition {number}, {abandoned} to undo");
    let clean = start_anew(&place, &seen, role, died)?;
    let place = place.without_server();
    Ok(Crash { what, role, place, seen, happened, had_faults, abandoned, clean })
}

/// Whether something is to be undone and nobody is there to do it: a guard takes its log out when it is done, and only
/// then.
fn is_abandoned(place: &Place) -> Outcome<bool> {
    Ok(chaos_harness::safety::in_use(&place.runs())?.iter().any(|process| process.is_abandoned))
}

/// How many things are to be undone, and nobody is there to do it.
fn abandoned(place: &Place) -> usize {
    let left = chaos_harness::safety::in_use(&place.runs()).unwrap_or_default();
    left.iter().filter(|process| process.is_abandoned).map(|process| process.open.len()).sum()
}

/// One new start of the program. Its own trial passes, and nothing is left.
fn start_anew(
    place: &Place,
    seen: &Seen,
    role: &'static str,
    died: Instant,
) -> Outcome<Result<Duration, Vec<String>>> {
    let status = place.start(NEW_START, &[])?.wait()?;
    if !status.success() {
        return Ok(Err(vec![format!("the new start failed: {}", ended(status))]));
    }
    Ok(wait_until_clean(place, seen, ON_CONTAINERS.contains(&role), died))
}

fn watch(part: &Part, place: &Place, role: &str) -> Watcher {
    Watcher::of(part.pid(), &place.token, ON_CONTAINERS.contains(&role))
}

fn ended(status: ExitStatus) -> String {
    format!("it ended: {status}")
}
