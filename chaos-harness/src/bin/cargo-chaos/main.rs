//! `cargo chaos`: experiments in CI and by hand, the embedded proxy as a server of its own, the commands that drive it or any
//! other Toxiproxy, and those that show and undo what runs left behind.

mod arguments;
mod bounded;
mod cargo;
mod child;
mod ci;
mod completions;
mod config;
mod doctor;
mod drive;
mod format;
mod github;
mod init;
mod ledger;
mod outcome;
mod plain;
mod runs;
mod serve;
mod spelling;
mod suggest;
mod table;
mod token;
mod trials;

use arguments::{Arguments, Command};
use clap::Parser as _;
use outcome::{Failure, Outcome, ended};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse_from(spelling::normal(std::env::args_os()));
    ended(carry_out(arguments.command))
}

fn carry_out(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Init(arguments) => return init::init(&arguments),
        Command::List(arguments) => return trials::list(&arguments),
        Command::Run(arguments) => return trials::run(&arguments),
        Command::Escalate(arguments) => return trials::escalate(&arguments),
        Command::Config(arguments) => return config::config(&arguments),
        Command::Doctor(arguments) => return doctor::doctor(&arguments),
        Command::Status(arguments) => return ledger::status(&arguments),
        Command::Promote(arguments) => return ledger::promote(&arguments),
        Command::Demote(arguments) => return ledger::demote(&arguments),
        Command::Ledger(arguments) => return ledger::ledger(&arguments),
        Command::Ci(arguments) => return ci::ci(&arguments),
        Command::Completions(completions) => completions::print_completions(&completions)?,
        Command::Proxy(proxy) => match proxy.command {
            None => serve::serve(&proxy.serve)?,
            Some(command) => drive::proxy(&command)?,
        },
        Command::Toxic(toxic) => drive::toxic(&toxic.command)?,
        Command::Ps(runs) => runs::ps(&runs)?,
        Command::Recover(runs) => runs::recover_all(&runs)?,
    }
    Ok(Outcome::Done)
}
