//! What a command came to, as its exit code says it.

use crate::plain;
use crate::trials::TrialsError;
use std::error::Error;
use std::process::ExitCode;

/// What a command came to. One code has one meaning, in every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what was asked; trials that ran were upheld.
    Done = 0,
    /// A hypothesis was refuted. Nothing else ends with this code.
    Refuted = 1,
    /// It was asked for wrongly: also clap's own code.
    Usage = 2,
    /// Trials ran, and decided nothing: inconclusive, unsteady or halted.
    Undecided = 3,
    /// It could not do what was asked.
    CouldNotRun = 4,
}

/// What the codes mean, below the help of each command that runs trials.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  upheld: every trial that ran
  1  refuted: at least one hypothesis
  2  the command line is wrong
  3  inconclusive, unsteady or halted: nothing was decided
  4  could not run: a build that failed, nothing to run, a trial without a verdict";

/// Why a command could not do its work, and the code that it ends with.
#[derive(Debug)]
pub(crate) struct Failure {
    outcome: Outcome,
    error: Box<dyn Error>,
}

impl Failure {
    /// What was asked for cannot be meant.
    pub(crate) fn usage(error: impl Error + 'static) -> Self {
        Self { outcome: Outcome::Usage, error: Box::new(error) }
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        // The one error that says by itself whose mistake it is.
        let error: Box<dyn Error> = Box::new(error);
        let is_usage = error.downcast_ref::<TrialsError>().is_some_and(TrialsError::is_usage);
        Self { outcome: if is_usage { Outcome::Usage } else { Outcome::CouldNotRun }, error }
    }
}

/// The exit code of a command, once what went wrong is told.
pub(crate) fn ended(outcome: Result<Outcome, Failure>) -> ExitCode {
    let outcome = outcome.unwrap_or_else(|Failure { outcome, error }| {
        eprintln!("error: {}", plain::lines(&error.to_string()));
        let mut cause = error.source();
        while let Some(error) = cause {
            eprintln!("  caused by: {}", plain::lines(&error.to_string()));
            cause = error.source();
        }
        outcome
    });
    ExitCode::from(outcome as u8)
}
