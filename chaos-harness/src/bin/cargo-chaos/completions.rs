//! What completes the command line in a shell.

use crate::arguments::Arguments;
use crate::format::print;
use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};
use std::io;

/// The program, as shells look for it.
const PROGRAM: &str = "cargo-chaos";
/// The same, as bash names functions.
const WITHOUT_HYPHEN: &str = "cargo_chaos";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos completions bash > ~/.local/share/bash-completion/completions/cargo-chaos
  cargo chaos completions zsh > ~/.zfunc/_cargo-chaos
  cargo chaos completions fish > ~/.config/fish/completions/cargo-chaos.fish

They complete `cargo-chaos`; in zsh, cargo's own completion calls them for `cargo chaos`, too.")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions.
pub(crate) fn print_completions(arguments: &Completions) -> io::Result<()> {
    print(&match arguments.shell {
        // With a hyphen in the program's name, clap_complete calls the same command by two names, and completes none.
        Shell::Bash => script(Shell::Bash, WITHOUT_HYPHEN)
            .replace(&format!(" {WITHOUT_HYPHEN}\n"), &format!(" {PROGRAM}\n")),
        shell => script(shell, PROGRAM),
    })
}

fn script(shell: Shell, program: &'static str) -> String {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command().name(program), program, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
