//! What the ledger says of each experiment. It is only read here, and never stands in the way: what cannot be read proves
//! nothing, and the smallest stage runs.

use crate::causes::causes;
use crate::experiment::Definition;
use crate::ledger::{ExperimentId, Fingerprint, Ledger, LedgerError, Moment, Part, Standing, State};
use crate::terminal::tell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Fewer than this are read sooner than a thread is started.
const FEW: usize = 64;

/// The ledger, where there is one.
#[derive(Debug)]
pub(super) struct Record {
    ledger: Option<Ledger>,
    now: Moment,
    /// What could not be read: by its kind, the first and how many.
    unreadable: Mutex<BTreeMap<&'static str, (String, usize)>>,
}

/// What one experiment has earned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    /// What the ledger calls it; it has no name there where it does not say what it is part of.
    pub(super) id: Option<ExperimentId>,
    /// The stage that the gate runs: one that there is.
    pub(super) earned: usize,
    /// What changed since more was earned.
    pub(super) reset: Vec<Part>,
    /// Until when the next stage is left alone.
    pub(super) cooling_until: Option<Moment>,
    /// How many times the next stage was confirmed, and how many times it takes.
    pub(super) confirmed: (u32, u32),
    /// The newest event that this comes of.
    pub(super) as_of: Option<Moment>,
}

impl Record {
    /// The ledger in this folder: none where there is no such folder, which is as it should be unless it was asked for.
    pub(super) fn open(folder: PathBuf, is_asked_for: bool) -> Self {
        let is_there = folder.is_dir();
        if !is_there && is_asked_for {
            let folder = folder.display();
            tell(format_args!("chaos: warning: there is no ledger in {folder}: the smallest stage runs"));
        }
        Self {
            ledger: is_there.then(|| Ledger::open(folder)),
            now: Moment::now(),
            unreadable: Mutex::default(),
        }
    }

    /// The states of these experiments, in their order, and what else there is to do meanwhile.
    pub(super) fn states_beside<T>(
        &self,
        ids: &[Option<ExperimentId>],
        meanwhile: impl FnOnce() -> T,
    ) -> (Vec<Option<State>>, T) {
        let read = || -> Vec<_> { ids.iter().map(|id| self.state(id.as_ref()?)).collect() };
        if ids.len() < FEW || self.ledger.is_none() {
            return (read(), meanwhile());
        }
        thread::scope(|scope| {
            let reading = thread::Builder::new().spawn_scoped(scope, read);
            let done = meanwhile();
            // Where there is no thread, it is done without. One that panicked has read nothing, which proves nothing.
            let states = match reading {
                Ok(reading) => reading.join().unwrap_or_else(|_| vec![None; ids.len()]),
                Err(_) => read(),
            };
            (states, done)
        })
    }

    fn state(&self, id: &ExperimentId) -> Option<State> {
        match self.ledger.as_ref()?.state(id) {
            Ok(state) => state,
            Err(error) => {
                let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
                let (_, more) = unreadable.entry(kind(&error)).or_insert_with(|| (causes(&error), 0));
                *more += 1;
                None
            }
        }
    }

    /// What an experiment of so many stages has earned by what its state says. Its fingerprint is asked for only where it
    /// makes a difference: where more than the first stage was earned, or the next one is left alone.
    pub(super) fn proof(
        &self,
        id: Option<ExperimentId>,
        state: Option<&State>,
        stages: usize,
        fingerprint: impl FnOnce() -> Fingerprint,
    ) -> Proof {
        let Some(state) = state else { return Proof::nothing(id) };
        let Standing { earned, reset, cooling_until, streak, wanted } =
            if state.earned.number > 1 || state.cooled_until.is_some() || state.streak > 0 {
                state.standing(&fingerprint(), self.now)
            } else {
                state.standing(&state.fingerprint, self.now)
            };
        Proof {
            id,
            earned: earned.clamp(1, stages.max(1)),
            reset: if state.earned.number > 1 { reset } else { Vec::new() },
            cooling_until,
            confirmed: (streak, wanted),
            as_of: Some(state.as_of),
        }
    }

    /// Tells what could not be read, each kind once.
    pub(super) fn warn(&self) {
        let unreadable = std::mem::take(&mut *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner));
        for (first, count) in unreadable.into_values() {
            let more = if count > 1 { format!(" (and {} more like it)", count - 1) } else { String::new() };
            tell(format_args!("chaos: warning: {first}{more}: the smallest stage runs instead"));
        }
    }
}

impl Proof {
    /// Nothing is known of it.
    pub(super) fn nothing(id: Option<ExperimentId>) -> Self {
        Self { id, earned: 1, reset: Vec::new(), cooling_until: None, confirmed: (0, 0), as_of: None }
    }
}

fn kind(error: &LedgerError) -> &'static str {
    match error {
        LedgerError::Conflict { .. } => "conflict",
        LedgerError::Newer { .. } => "newer",
        LedgerError::Damaged { .. } => "damaged",
        LedgerError::Foreign { .. } => "foreign",
        LedgerError::EventsLost { .. } => "lost",
        _ => "unreadable",
    }
}

/// What the ledger calls an experiment. One that does not say where it is written is of the program that runs it.
pub(super) fn experiment_id(definition: &Definition) -> Option<ExperimentId> {
    let location = &definition.location;
    let program = || {
        let program = std::env::current_exe().ok()?;
        let stem = program.file_stem()?.to_str()?;
        Some(crate_of_program(stem).to_owned())
    };
    let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let package =
        said(&location.package).or_else(|| std::env::var("CARGO_PKG_NAME").ok()).or_else(program)?;
    let target = said(&location.target).or_else(program)?;
    ExperimentId::new(package, target, definition.name.clone()).ok()
}

/// The crate that a program was made of: cargo puts a hash behind the name of a test program.
fn crate_of_program(stem: &str) -> &str {
    match stem.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()) => name,
        _ => stem,
    }
}
