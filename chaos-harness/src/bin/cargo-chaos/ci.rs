//! What runs in CI.

use crate::ledger::{self, Record};
use crate::outcome::{Failure, Outcome};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct CiArguments {
    #[command(subcommand)]
    command: CiCommand,
}

#[derive(Debug, Subcommand)]
enum CiCommand {
    /// Fold what trials left into the ledger: the only command that writes it for a run
    Record(Record),
}

/// Carries out a command of CI's.
pub(crate) fn ci(arguments: &CiArguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        CiCommand::Record(arguments) => ledger::record(arguments),
    }
}
