//! The command line of `cargo chaos ci`.

use super::place::LedgerPlace;
use crate::format::FormatOption;
use crate::ledger::{Record, Remote};
use crate::outcome::EXIT_CODES;
use crate::trials::Selection;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct CiArguments {
    #[command(subcommand)]
    pub(super) command: CiCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CiCommand {
    /// Run each experiment at the stage that the base of a change has earned
    ///
    /// Reads the ledger of the branch that a pull request or a merge group goes to, never the one in its own tree; writes no
    /// ledger, and promotes nothing. Adds to the job's summary, annotates the change, and sets the outputs `run`, `outcome`,
    /// `trials` and `evidence`. Nothing that a test or a service prints is taken for a command.
    Gate(Gate),
    /// Run each experiment at the stage that it has earned, and at the next
    ///
    /// Leaves evidence for `cargo chaos ci record`. Adds to the job's summary, annotates, and sets the outputs `run`,
    /// `outcome`, `trials` and `evidence`.
    Escalate(Escalate),
    /// Fold what trials left into the ledger: the only command that writes it for a run
    Record(Record),
    /// Summarise evidence, of several jobs, too: for the job's summary, and as annotations
    ///
    /// Where GitHub does not run this, the summary goes to standard output.
    Summary(Summary),
}

/// Which trials run, by what is earned where, and for whom that is told.
#[derive(Debug, Args)]
pub(super) struct Trials {
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) ledger: LedgerOption,
    #[command(flatten)]
    pub(super) format: FormatOption,
}

/// Where the ledger is.
#[derive(Debug, Args)]
pub(super) struct LedgerOption {
    /// Where the ledger is: `tree`, `branch` (which is `branch=chaos-ledger`), or a folder
    ///
    /// For a pull request and a merge group, `tree` is that of the branch that the change goes to. Where it cannot be fetched, each
    /// experiment runs at its smallest stage, with a warning.
    #[arg(long = "ledger", value_name = "WHERE", default_value = "tree")]
    pub(super) place: LedgerPlace,
    #[command(flatten)]
    pub(super) remote: Remote,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  cargo chaos ci gate
  cargo chaos ci gate --ledger branch -- --profile ci
  cargo chaos ci gate -- --archive-file chaos.tar.zst --workspace-remap . --partition slice:1/4

{EXIT_CODES}"))]
pub(super) struct Gate {
    /// The profile of chaos.toml
    #[arg(long, value_name = "NAME", default_value = "gate")]
    pub(super) profile: String,
    #[command(flatten)]
    pub(super) trials: Trials,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  cargo chaos ci escalate --ledger branch
  CHAOS_APPROVED_BY=\"$GITHUB_ACTOR\" cargo chaos ci escalate    # in a job with a protected environment

{EXIT_CODES}"))]
pub(super) struct Escalate {
    /// The profile of chaos.toml
    #[arg(long, value_name = "NAME", default_value = "escalate")]
    pub(super) profile: String,
    #[command(flatten)]
    pub(super) trials: Trials,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos ci summary --evidence target/chaos
  cargo chaos ci summary --evidence artifacts       # downloaded from the shards

It tells what trials came to, and does not end otherwise for it: 0 where it is told, 4 where it cannot be.")]
pub(super) struct Summary {
    /// Folder with evidence in it, at any depth
    #[arg(long, value_name = "DIR")]
    pub(super) evidence: PathBuf,
    #[command(flatten)]
    pub(super) format: FormatOption,
}
