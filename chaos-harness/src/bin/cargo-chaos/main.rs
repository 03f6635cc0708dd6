//! `cargo chaos`: the embedded proxy as a server of its own, the commands that drive it or any other Toxiproxy, and those that
//! show and undo what runs left behind.

mod arguments;
mod bounded;
mod drive;
mod plain;
mod runs;
mod serve;
mod spelling;
mod token;

use arguments::{Arguments, Command};
use clap::Parser as _;
use std::error::Error;
use std::process::ExitCode;

/// The exit code of what failed. What is written wrongly ends with clap's own, which is 2.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let arguments = Arguments::parse_from(spelling::normal(std::env::args_os()));
    match arguments.command {
        Command::Proxy(proxy) => match proxy.command {
            None => ended(serve::serve(&proxy.serve)),
            Some(command) => ended(drive::proxy(&command)),
        },
        Command::Toxic(toxic) => ended(drive::toxic(&toxic.command)),
        Command::Ps(runs) => ended(runs::ps(&runs)),
        Command::Recover(runs) => ended(runs::recover_all(&runs)),
    }
}

fn ended<E: Error>(outcome: Result<(), E>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    eprintln!("error: {}", plain::lines(&error.to_string()));
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  caused by: {}", plain::lines(&error.to_string()));
        cause = error.source();
    }
    ExitCode::from(FAILED)
}
