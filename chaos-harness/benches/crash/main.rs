//! Crash safety: a test's process is killed at random instants and at every transition of its undo log, alone, and with
//! its guard; then an observer that shares no code with the library counts what is left.
//!
//! `CRASHES` is how many random crashes there are of each kind: 50, and 1,000 for the full campaign. `CRASH_SEED` is what
//! their instants are drawn from: it is printed, and so the instants can be had again. With `CRASH_STRIDE=7` only one
//! transition in seven is tried, which makes a short sample of minutes; the seed says which. A leftover fails the run, and
//! its folder is kept; a time that is short of its target does not. With `CHAOS_REQUIRE=docker`, what cannot be tried for
//! want of an engine is a failure; with the feature `external-toxiproxy`, proxies of such a server are looked for too.
//!
//! The program plays every part itself: it starts itself as the test program that is killed, as its services, as what
//! those start, and as the server that outlives them.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and waits for it")]

mod campaign;
mod catalogue;
mod crash;
mod experiments;
mod figure;
mod host;
mod measurements;
mod observer;
mod part;
mod service;
mod table;
mod toxiproxy;

use campaign::Campaign;
use figure::{Figure, Goal};
use host::NetworkRules;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// A value, or why it could not be had.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How many random crashes there are of each kind, where nothing else is asked for.
const CRASHES: u64 = 50;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match (std::env::var(part::ROLE).as_deref(), words.as_slice()) {
        (_, ["serve", port, token]) => service::serve(port, token, false).map(|()| true),
        (_, ["breed", port, token]) => service::serve(port, token, true).map(|()| true),
        (_, ["hide", token, generations]) => service::hide(token, generations).map(|()| true),
        (_, ["toxiproxy"]) => toxiproxy::serve().map(|()| true),
        (Ok("guard-start"), _) => measurements::start_guard().map(|()| true),
        (Ok(role), _) => return experiments::main(role),
        (Err(_), _) => measure(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn number(variable: &str) -> Outcome<Option<u64>> {
    match std::env::var(variable) {
        Ok(text) => Ok(Some(text.parse().map_err(|error| format!("{variable}={text}: {error}"))?)),
        Err(_) => Ok(None),
    }
}

/// Whether nothing was left behind by any crash.
fn measure() -> Outcome<bool> {
    let crashes = number("CRASHES")?.unwrap_or(CRASHES);
    let stride = number("CRASH_STRIDE")?.unwrap_or(1).max(1);
    let drawn = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let seed = number("CRASH_SEED")?.unwrap_or_else(drawn);
    println!("seed {seed} (CRASH_SEED), {crashes} random crashes of each kind (CRASHES)");
    let before = NetworkRules::read();
    if let Some(required) = host::required().filter(|_| before.are_unknown()) {
        return Err(format!("CHAOS_REQUIRE={required}: no program tells the rules of the network").into());
    }
    let mut figures = measurements::all()?;
    let campaign = Campaign::prepare(seed, crashes, stride)?;
    figures.extend(campaign.run()?);
    figures.push(network_rules_left(&before));
    for figure in &figures {
        println!("{figure}");
    }
    Ok(figures.iter().all(Figure::may_pass))
}

fn network_rules_left(before: &NetworkRules) -> Figure {
    let (name, now) = ("network_rules_left", NetworkRules::read());
    let (asked, silent) = now.asked(before);
    if asked.is_empty() {
        return Figure::skipped(name, format!("{} cannot be read", silent.join(", ")));
    }
    let left = now.since(before);
    for rule in &left {
        println!("LEFT BEHIND: {rule}");
    }
    let silent = if silent.is_empty() { String::new() } else { format!("; not {}", silent.join(", ")) };
    Figure::new(name, left.len() as f64, "rules", Goal::None).note(format!("by {}{silent}", asked.join(", ")))
}
