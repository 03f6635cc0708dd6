//! What reads and writes the ledger: `status`, `promote`, `demote`, `ledger` and `ci record`.

mod arguments;
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

pub(crate) use arguments::{Demote, LedgerArguments, Promote, Record, Status};
pub(crate) use by_hand::{demote, promote};
pub(crate) use record::record;
pub(crate) use status::status;

/// Carries out a command on the ledger as a whole.
pub(crate) fn ledger(arguments: &LedgerArguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        LedgerCommand::Verify(verify) => verify::verify(verify),
        LedgerCommand::Fetch(fetch) => verify::fetch(fetch),
    }
}
