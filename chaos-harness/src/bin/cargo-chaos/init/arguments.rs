//! The command line of `cargo chaos init`.

use crate::format::FormatOption;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos init                                # in a crate: the release of this command, from the registry
  cargo chaos init --path ../chaos-harness        # a checkout of the harness
  cargo chaos init -p shop --ledger branch        # in a workspace; the record is on a branch of its own

What it makes runs as it stands: cargo test --test chaos")]
pub(crate) struct Init {
    /// The package that gets the experiments [default: that of the current folder]
    #[arg(long, short, value_name = "NAME")]
    pub(crate) package: Option<String>,
    /// Take the harness from this folder
    #[arg(long, value_name = "DIR", conflicts_with = "git")]
    pub(crate) path: Option<PathBuf>,
    /// Take the harness from this repository
    #[arg(long, value_name = "URL")]
    pub(crate) git: Option<String>,
    /// Where the record of what is earned lives: reviewed as part of the tree, or on the branch `chaos-ledger`
    #[arg(long, value_enum, default_value_t, value_name = "WHERE")]
    pub(crate) ledger: LedgerPlace,
    /// Write files that are there once more, as they were at first
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) format: FormatOption,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LedgerPlace {
    #[default]
    Tree,
    Branch,
}

impl LedgerPlace {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Branch => "branch",
        }
    }
}
