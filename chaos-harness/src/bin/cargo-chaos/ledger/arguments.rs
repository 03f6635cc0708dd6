//! The command lines of what reads and writes the ledger.

use super::git::Source;
use crate::format::FormatOption;
use clap::{ArgGroup, Args, Subcommand};
use std::path::PathBuf;

/// Where a repository is looked for.
const USUAL_REMOTE: &str = "origin";

/// The branch of a ledger that is not in the tree.
const USUAL_BRANCH: &str = "chaos-ledger";

/// The folder of a ledger in a tree.
const USUAL_PATH: &str = "chaos/ledger";

#[derive(Debug, Args)]
pub(crate) struct LedgerFolder {
    /// Folder of the ledger [default: `CHAOS_LEDGER_DIR`, or as chaos.toml says, or chaos/ledger]
    #[arg(long = "ledger", value_name = "DIR")]
    pub(super) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos status                        # all experiments
  cargo chaos status cart                   # those with `cart` in their names
  cargo chaos status --format json")]
pub(crate) struct Status {
    /// Part of the names of the experiments to show; may be given more than once
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    #[command(flatten)]
    pub(super) ledger: LedgerFolder,
    #[command(flatten)]
    pub(super) format: FormatOption,
}

/// A stage that someone gives or takes.
#[derive(Debug, Args)]
pub(crate) struct ByHand {
    /// The experiment, as `cargo chaos status` calls it
    #[arg(value_name = "EXPERIMENT")]
    pub(super) experiment: String,
    /// Number of the stage that it is to have earned
    #[arg(long, value_name = "N")]
    pub(super) to: usize,
    /// Why, for whoever reads the ledger
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// Who decided it [default: `GITHUB_ACTOR`, or the user's name]
    #[arg(long, value_name = "NAME")]
    pub(super) by: Option<String>,
    #[command(flatten)]
    pub(super) destination: Destination,
    #[command(flatten)]
    pub(super) format: FormatOption,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos promote shop::chaos::slow_redis --to 3 --reason 'ran in staging for a month'
  cargo chaos promote shop::chaos::slow_redis --to 3 --reason '…' --push chaos-ledger")]
pub(crate) struct Promote {
    #[command(flatten)]
    pub(super) by_hand: ByHand,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos demote shop::chaos::slow_redis --to 1 --reason 'the new client has not been tried'")]
pub(crate) struct Demote {
    #[command(flatten)]
    pub(super) by_hand: ByHand,
}

/// The ledger that is written: in a folder here, or in a repository.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").args(["folder", "push"]))]
pub(crate) struct Destination {
    #[command(flatten)]
    pub(super) ledger: LedgerFolder,
    /// Push to this branch of a repository, and write nothing here
    ///
    /// It is fetched, the events are put on top of what is there, and pushed; where another recorder was faster, that is done
    /// again. No checkout is needed. A branch that is not there is made.
    #[arg(long, value_name = "BRANCH")]
    pub(super) push: Option<String>,
    #[command(flatten)]
    pub(super) remote: Remote,
    /// Take the ledger from a folder of this branch; the one of --push is a proposal to merge, made anew on its tip each time
    #[arg(long, value_name = "BRANCH", requires = "push")]
    pub(super) base: Option<String>,
    /// The folder of the ledger in the base
    #[arg(long, value_name = "PATH", requires = "base", default_value = USUAL_PATH)]
    pub(super) path: String,
}

/// A repository, and how to show who this is.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// The repository: the name of a remote of the one here, or an address
    #[arg(long, value_name = "URL", default_value = USUAL_REMOTE)]
    pub(super) remote: String,
    /// Variable with a token for the repository, where git does not know one; only sent over HTTPS
    #[arg(long, value_name = "NAME")]
    pub(super) token_env: Option<String>,
}

impl Remote {
    pub(crate) fn token_env(&self) -> Option<&str> {
        self.token_env.as_deref()
    }
}

#[derive(Debug, Args)]
pub(crate) struct LedgerArguments {
    #[command(subcommand)]
    pub(super) command: LedgerCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Check that each state is what its events say
    ///
    /// Ends with code 4 where one is not, or cannot be read.
    Verify(Verify),
    /// Fetch the ledger of a repository into a folder: as the base has it, whatever is checked out
    Fetch(Fetch),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos ledger verify
  cargo chaos ledger verify --rebuild       # after a merge that left a conflict in a state")]
pub(crate) struct Verify {
    /// Write anew what is not what the events say
    #[arg(long)]
    pub(super) rebuild: bool,
    #[command(flatten)]
    pub(super) ledger: LedgerFolder,
    #[command(flatten)]
    pub(super) format: FormatOption,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos ledger fetch --into target/ledger                 # the branch chaos-ledger of origin
  cargo chaos ledger fetch --into target/ledger --base main     # chaos/ledger in the branch main")]
pub(crate) struct Fetch {
    /// The folder: empty, or not there
    #[arg(long, value_name = "DIR")]
    pub(super) into: PathBuf,
    #[command(flatten)]
    pub(super) remote: Remote,
    #[command(flatten)]
    pub(super) base: Base,
    #[command(flatten)]
    pub(super) format: FormatOption,
}

/// Where the base of a change has its ledger.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "the flag is called as what it names")]
pub(crate) struct Base {
    /// The branch that is the ledger
    #[arg(long, value_name = "BRANCH", default_value = USUAL_BRANCH, conflicts_with = "base")]
    branch: String,
    /// The branch that has the ledger in a folder
    #[arg(long, value_name = "BRANCH")]
    base: Option<String>,
    /// The folder of the ledger in the base
    #[arg(long, value_name = "PATH", requires = "base", default_value = USUAL_PATH)]
    path: String,
}

impl Base {
    pub(super) fn source(&self) -> Source {
        match &self.base {
            Some(base) => Source::Tree { base: base.clone(), path: self.path.clone() },
            None => Source::Branch { branch: self.branch.clone() },
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos ci record --evidence target/chaos                       # into the ledger here
  cargo chaos ci record --evidence target/chaos --dry-run
  cargo chaos ci record --evidence evidence --push chaos-ledger --token-env GITHUB_TOKEN
  cargo chaos ci record --evidence evidence --push chaos-promotions --base main --path chaos/ledger

Only what ran on the default branch, committed and with its faults, is recorded. Evidence stays as it is: recording it again
changes nothing.")]
pub(crate) struct Record {
    /// Folder with evidence in it, at any depth: `target/chaos`, or downloaded artifacts
    #[arg(long, value_name = "DIR")]
    pub(super) evidence: PathBuf,
    /// Only show what would change
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) destination: Destination,
    #[command(flatten)]
    pub(super) format: FormatOption,
}
