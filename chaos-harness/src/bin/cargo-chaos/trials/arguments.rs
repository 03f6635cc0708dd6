//! The command line of what runs trials.

use crate::format::FormatOption;
use crate::outcome::EXIT_CODES;
use clap::Args;

/// Which trials.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Selection {
    /// Only trials with one of these in their names
    #[arg(value_name = "FILTER")]
    pub(crate) filters: Vec<String>,
    /// Only this package; may be given more than once
    #[arg(long = "package", short, value_name = "NAME")]
    pub(crate) packages: Vec<String>,
    /// Arguments for nextest, or for cargo test where that is not installed
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  cargo chaos run                                 # the stages that are earned
  cargo chaos run checkout --profile all          # every stage of what has `checkout` in its name
  cargo chaos run -p shop -- --cargo-profile release

{EXIT_CODES}"))]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// The profile of chaos.toml [default: what that or `CHAOS_PROFILE` says, else `gate`]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    #[command(flatten)]
    pub(crate) format: FormatOption,
}

#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  cargo chaos escalate
  cargo chaos escalate checkout
  CHAOS_APPROVED_BY='Ada' cargo chaos escalate    # stages that need an approval, too

It leaves evidence, and does not write the ledger: `cargo chaos ci record` does.

{EXIT_CODES}"))]
pub(crate) struct Escalate {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// The profile of chaos.toml
    #[arg(long, value_name = "NAME", default_value = "escalate")]
    pub(crate) profile: String,
    #[command(flatten)]
    pub(crate) format: FormatOption,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos list
  cargo chaos list -p shop --format json
  cargo chaos list -- --release                   # as built by cargo test --release")]
pub(crate) struct List {
    /// Only trials with one of these in their names
    #[arg(value_name = "FILTER")]
    pub(crate) filters: Vec<String>,
    /// Only this package; may be given more than once
    #[arg(long = "package", short, value_name = "NAME")]
    pub(crate) packages: Vec<String>,
    /// The profile of chaos.toml [default: what that or `CHAOS_PROFILE` says, else `gate`]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Arguments for cargo test, which builds the experiments
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<String>,
    #[command(flatten)]
    pub(crate) format: FormatOption,
}
