//! The command line of `cargo chaos doctor`.

use crate::format::FormatOption;
use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos doctor                     # builds the experiments, to know what they need
  cargo chaos doctor --no-build          # looks at the machine alone
  cargo chaos doctor --image redis:7     # an image that must be there, or reachable

Exit codes:
  0  everything that is needed works; what is limited is told
  2  the command line is wrong
  4  something that the workspace's experiments need is missing")]
pub(crate) struct Doctor {
    /// Leave out what only the experiments tell, which takes building them
    #[arg(long)]
    pub(crate) no_build: bool,
    /// An image that is needed; may be given more than once
    #[arg(long = "image", value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) format: FormatOption,
}
