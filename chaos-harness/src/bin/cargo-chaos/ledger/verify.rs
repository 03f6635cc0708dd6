//! Whether the ledger is what its events say, and where it is fetched from.

use super::arguments::{Fetch, Verify};
use super::destination::{self, DestinationError};
use super::git;
use crate::outcome::{Failure, Outcome};
use crate::plain;
use chaos_harness::ledger::Mismatch;
use serde::Serialize;
use std::fmt::Write as _;

/// What was found.
#[derive(Debug, Serialize)]
struct Verified {
    mismatches: Vec<Mismatch>,
    rebuilt: bool,
}

/// Checks the ledger.
pub(super) fn verify(arguments: &Verify) -> Result<Outcome, Failure> {
    let ledger = destination::open(&arguments.ledger)?;
    let found = if arguments.rebuild { ledger.rebuild() } else { ledger.verify() };
    let verified =
        Verified { mismatches: found.map_err(DestinationError::from)?, rebuilt: arguments.rebuild };
    arguments.format.format.print(&verified, || verified.in_words())?;
    let is_left = |mismatch: &Mismatch| !(verified.rebuilt && mismatch.can_be_rebuilt);
    let is_fine = !verified.mismatches.iter().any(is_left);
    Ok(if is_fine { Outcome::Done } else { Outcome::CouldNotRun })
}

impl Verified {
    fn in_words(&self) -> String {
        let mut text = String::new();
        for mismatch in &self.mismatches {
            let what = match (self.rebuilt, mismatch.can_be_rebuilt) {
                (true, true) => " (made anew)",
                (false, true) => " (--rebuild makes it anew)",
                (_, false) => "",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}{what}", plain::line(&mismatch.to_string()));
        }
        if self.mismatches.is_empty() {
            text.push_str("every state is what its events say\n");
        }
        text
    }
}

/// Fetches the ledger of a repository.
pub(super) fn fetch(arguments: &Fetch) -> Result<Outcome, Failure> {
    let (remote, token_env) = (&arguments.remote.remote, arguments.remote.token_env.as_deref());
    let fetched = git::fetch(remote, token_env, &arguments.base.source(), &arguments.into)
        .map_err(|error| if error.is_usage() { Failure::usage(error) } else { Failure::from(error) })?;
    arguments.format.format.print(&fetched, || fetched.in_words(arguments))?;
    Ok(Outcome::Done)
}

impl git::Fetched {
    fn in_words(&self, arguments: &Fetch) -> String {
        match (&self.note, &self.commit) {
            (Some(note), _) => {
                format!("{note}: the ledger is empty, and each experiment starts at its first stage\n")
            }
            (None, Some(commit)) => {
                format!(
                    "the ledger of {} is in {}\n",
                    commit.get(..12).unwrap_or(commit),
                    arguments.into.display()
                )
            }
            (None, None) => String::new(),
        }
    }
}
