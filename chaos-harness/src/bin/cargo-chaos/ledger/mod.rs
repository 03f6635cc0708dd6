//! What reads and writes the ledger: `status`, `promote`, `demote`, `ledger` and `ci record`.

mod arguments;
mod by_events;
mod by_hand;
mod changes;
mod destination;
mod git;
mod record;
mod status;
mod temporary;
mod verify;
mod words;

use crate::outcome::{Failure, Outcome};
use arguments::LedgerCommand;
use std::path::Path;

pub(crate) use arguments::{Demote, LedgerArguments, Promote, Record, Remote, Status};
pub(crate) use by_events::straighten;
pub(crate) use by_hand::{demote, promote};
pub(crate) use git::{GitError, Source};
pub(crate) use record::record;
pub(crate) use status::status;
pub(crate) use temporary::TemporaryFolder;

/// Fetches a ledger for a run to read; why there is nothing in it, where there is not.
pub(crate) fn fetch(remote: &Remote, source: &Source, into: &Path) -> Result<Option<String>, GitError> {
    Ok(git::fetch(&remote.remote, remote.token_env.as_deref(), source, into)?.note)
}

/// Carries out a command on the ledger as a whole.
pub(crate) fn ledger(arguments: &LedgerArguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        LedgerCommand::Verify(verify) => verify::verify(verify),
        LedgerCommand::Fetch(fetch) => verify::fetch(fetch),
    }
}
