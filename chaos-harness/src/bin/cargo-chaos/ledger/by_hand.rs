//! Stages that someone gives or takes, with a reason.

use super::arguments::{ByHand as Arguments, Demote, Promote};
use super::changes;
use super::destination::DestinationError;
use super::git::Needed;
use crate::outcome::{Failure, Outcome};
use crate::suggest::nearest;
use chaos_harness::ledger::{ByHand, Event, EventKind, Ledger, LedgerError, Moment, State};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum ByHandError {
    #[error("a reason is needed, on one line, for whoever reads the ledger: --reason 'why'")]
    NoReason,
    #[error("the ledger has no experiment `{name}`: {advice}")]
    NoSuchExperiment { name: String, advice: String },
    #[error("{name} has {of} stages: --to takes 1 to {of}")]
    NoSuchStage { name: String, of: usize },
    #[error("{name} has earned stage {earned} already: `cargo chaos demote` takes stages away")]
    NotHigher { name: String, earned: usize },
    #[error("{name} has earned stage {earned} only: `cargo chaos promote` gives stages")]
    NotLower { name: String, earned: usize },
    #[error(transparent)]
    Destination(#[from] DestinationError),
}

impl ByHandError {
    fn into_failure(self) -> Failure {
        match self {
            Self::Destination(error) if !error.is_usage() => Failure::from(error),
            other => Failure::usage(other),
        }
    }
}

/// Gives an experiment a stage.
pub(crate) fn promote(arguments: &Promote) -> Result<Outcome, Failure> {
    carry_out(&arguments.by_hand, Way::Up)
}

/// Takes stages from an experiment.
pub(crate) fn demote(arguments: &Demote) -> Result<Outcome, Failure> {
    carry_out(&arguments.by_hand, Way::Down)
}

fn carry_out(arguments: &Arguments, way: Way) -> Result<Outcome, Failure> {
    let reason = arguments.reason.trim();
    if reason.is_empty() || reason.contains(char::is_control) {
        return Err(ByHandError::NoReason.into_failure());
    }
    let by = arguments.by.clone().unwrap_or_else(user);
    let event = |ledger: &Ledger| {
        let state = find(ledger, &arguments.experiment)?;
        check(&state, arguments.to, way)?;
        let decision = ByHand { to: arguments.to, reason: reason.to_owned(), by: by.clone() };
        let kind = match way {
            Way::Up => EventKind::Promoted(decision),
            Way::Down => EventKind::Demoted(decision),
        };
        let (experiment, fingerprint) = (state.experiment, state.fingerprint);
        Ok(vec![Event::new(experiment, fingerprint, Moment::now(), Some(state.as_of), kind)])
    };
    // A name that is not there is compared with all.
    let needed = Needed::All;
    let written = arguments.destination.write(&needed, false, event).map_err(ByHandError::into_failure)?;
    arguments.format.format.print(&written, || changes::in_words(&written, false))?;
    Ok(Outcome::Done)
}

/// Who runs this.
fn user() -> String {
    let said = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    ["GITHUB_ACTOR", "USER", "LOGNAME"].into_iter().find_map(said).unwrap_or_else(|| "unknown".to_owned())
}

fn find(ledger: &Ledger, name: &str) -> Result<State, ByHandError> {
    let failed = |error: LedgerError| ByHandError::Destination(error.into());
    if let Ok(experiment) = name.parse()
        && let Some(state) = ledger.state(&experiment).map_err(failed)?
    {
        return Ok(state);
    }
    let states: Vec<_> = ledger.states().map_err(failed)?.into_iter().flatten().collect();
    let names: Vec<_> = states.iter().map(|state| state.experiment.to_string()).collect();
    // Its own name says enough where no other has it.
    let mut called_so = states.iter().filter(|state| state.experiment.name() == name);
    if let (Some(state), None) = (called_so.next(), called_so.next()) {
        return Ok(state.clone());
    }
    let advice = match nearest(name, &names.iter().map(String::as_str).collect::<Vec<_>>()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "it is empty".to_owned(),
        None => "`cargo chaos status` shows all there are".to_owned(),
    };
    Err(ByHandError::NoSuchExperiment { name: name.to_owned(), advice })
}

fn check(state: &State, to: usize, way: Way) -> Result<(), ByHandError> {
    let (name, earned, of) = (state.experiment.to_string(), state.earned.number, state.of);
    if !(1..=of).contains(&to) {
        return Err(ByHandError::NoSuchStage { name, of });
    }
    match way {
        Way::Up if to <= earned => Err(ByHandError::NotHigher { name, earned }),
        Way::Down if to >= earned => Err(ByHandError::NotLower { name, earned }),
        Way::Up | Way::Down => Ok(()),
    }
}
