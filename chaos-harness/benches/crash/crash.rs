//! One crash, and what was left of it.

use crate::Outcome;
use crate::experiments::{NEW_START, ON_CONTAINERS};
use crate::observer::{Seen, Watcher, wait_until_clean};
use crate::part::{Part, Place, was_killed};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// What kills a test process at its n-th transition; a guard.
pub(crate) const OF_TEST: &str = "CHAOS_FAILPOINT";
pub(crate) const OF_GUARD: &str = "CHAOS_FAILPOINT_GUARD";

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
    /// How many things were still to be undone when both were dead, where the guard died too.
    pub(crate) abandoned: usize,
    /// From the death of the test process until nothing was left; or what was left after all.
    pub(crate) clean: Result<Duration, Vec<String>>,
}

impl Crash {
    pub(crate) fn on_containers(&self) -> bool {
        ON_CONTAINERS.contains(&self.role)
    }
}

/// When a part is killed, or by what.
#[derive(Clone, Copy)]
pub(crate) enum When {
    After(Duration),
    Transition(u64),
    Never,
}

/// Starts a part and has it killed, alone. Its guard puts right what it left.
pub(crate) fn of_test(place: Place, role: &'static str, when: When) -> Outcome<Crash> {
    let variables = match when {
        When::Transition(number) => vec![(OF_TEST, number.to_string())],
        When::After(_) | When::Never => Vec::new(),
    };
    let mut part = place.start(role, &variables)?;
    let watcher = watch(&part, &place, role);
    let (happened, what) = match when {
        When::After(delay) => {
            if let Some(status) = part.wait_until(part.began + delay)? {
                (false, ended(status))
            } else {
                part.kill_group()?;
                (true, format!("killed after {} ms", delay.as_millis()))
            }
        }
        When::Transition(number) => {
            let status = part.wait()?;
            (was_killed(status), format!("transition {number}: {}", ended(status)))
        }
        When::Never => (false, ended(part.wait()?)),
    };
    let died = Instant::now();
    let seen = watcher.end();
    let clean = wait_until_clean(&place, &seen, ON_CONTAINERS.contains(&role), died);
    Ok(Crash { what, role, place, seen, happened, abandoned: 0, clean })
}

/// Who dies while a new start puts right what others left.
#[derive(Clone, Copy)]
pub(crate) enum Again {
    No,
    After(Duration),
    Transition(u64),
}

/// Starts a part and kills it with its guard. One new start puts right what they left, unless it is killed too.
pub(crate) fn of_both(place: Place, role: &'static str, after: Duration, again: Again) -> Outcome<Crash> {
    let mut part = place.start(role, &[])?;
    let watcher = watch(&part, &place, role);
    let mut happened = part.wait_until(part.began + after)?.is_none();
    let guards = part.kill_with_guard(&place)?;
    let died = Instant::now();
    let mut seen = watcher.end();
    let abandoned = abandoned(&place);
    let mut what = format!("killed with {guards} guards after {} ms, {abandoned} to undo", after.as_millis());
    match again {
        Again::No => {}
        Again::After(delay) => {
            let mut part = place.start(NEW_START, &[])?;
            let watcher = watch(&part, &place, role);
            part.wait_until(part.began + delay)?;
            part.kill_with_guard(&place)?;
            what = format!("{what}, and again in the new start after {} ms", delay.as_millis());
            seen = seen.and(watcher.end());
        }
        Again::Transition(number) => {
            let mut part = place.start(NEW_START, &[(OF_TEST, number.to_string())])?;
            let status = part.wait()?;
            // It may be the transition of a trial: that trial's guard acts, and is waited for below.
            happened = was_killed(status);
            what = format!("{what}, and again at transition {number} of the new start: {}", ended(status));
        }
    }
    let clean = start_anew(&place, &seen, role, died)?;
    Ok(Crash { what, role, place, seen, happened, abandoned, clean })
}

/// Starts a part and kills it. Its guard dies at a transition of its own, and one new start puts right what is left.
pub(crate) fn of_guard(place: Place, role: &'static str, after: Duration, number: u64) -> Outcome<Crash> {
    let mut part = place.start(role, &[(OF_GUARD, number.to_string())])?;
    let watcher = watch(&part, &place, role);
    part.wait_until(part.began + after)?;
    part.kill_group()?;
    let died = Instant::now();
    let seen = watcher.end();
    // Its guard is gone by itself: dead at the transition, or done.
    while crate::table::found(&place.token, &[]).iter().any(|process| process.is_guard()) {
        if died.elapsed() > Duration::from_secs(60) {
            return Err(format!("the guard of {} did not end", place.token).into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let abandoned = abandoned(&place);
    // It takes its log out when it is done, and only then.
    let happened = chaos_harness::safety::in_use(&place.runs())?.iter().any(|process| process.is_abandoned);
    let what = format!(
        "killed after {} ms, its guard at transition {number}, {abandoned} to undo",
        after.as_millis()
    );
    let clean = start_anew(&place, &seen, role, died)?;
    Ok(Crash { what, role, place, seen, happened, abandoned, clean })
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
