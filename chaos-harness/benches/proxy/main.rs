//! How fast, how true and how frugal the proxy is: beside no relay, beside bare relays, and beside a
//! `toxiproxy-server` where `TOXIPROXY_BIN` names one.
//!
//! `cargo bench -p chaos-harness --bench proxy -- bulk latency` measures only the rows with such a name.
//! `PROXY_BENCH_ALTERNATIONS` is how often the targets take turns; fewer shorten everything. With `--check` or
//! `PROXY_BENCH_CHECK=1` a figure short of its target fails the run; otherwise only one that cannot be measured does.
//!
//! The program plays every part itself: it starts itself as the service and as each relay, so that a relay's processor
//! time and memory are its own.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and waits for it")]

mod figure;
mod load;
mod outcome;
mod part;
mod relay;
mod row;
mod service;
mod statistic;

use figure::Figure;
use outcome::Outcome;
use row::{Bench, ROWS, Row};
use service::Service;
use std::process::ExitCode;
use std::time::Instant;

/// How often the targets take turns, where nothing else is asked for.
const ALTERNATIONS: usize = 15;

fn main() -> ExitCode {
    part::raise_descriptor_limit();
    let done = match std::env::var(part::ROLE) {
        Ok(role) if role == "service" => service::run().map(|()| true),
        Ok(role) => relay::run(&role).map(|()| true),
        Err(_) => measure(),
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

/// Whether all that was asked for could be measured, and met its target where that is asked for too.
fn measure() -> Outcome<bool> {
    let (options, filters): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|word| word.starts_with('-'));
    let check = options.iter().any(|option| option == "--check")
        || std::env::var("PROXY_BENCH_CHECK").is_ok_and(|value| value == "1");
    let alternations = match std::env::var("PROXY_BENCH_ALTERNATIONS") {
        Ok(text) => text.parse().map_err(|error| format!("PROXY_BENCH_ALTERNATIONS={text}: {error}"))?,
        Err(_) => ALTERNATIONS,
    };
    let chosen =
        |row: &Row| filters.is_empty() || filters.iter().any(|filter| row.name.contains(filter.as_str()));
    let rows: Vec<Row> = ROWS.into_iter().filter(chosen).collect();
    if rows.is_empty() {
        let names = ROWS.map(|row| row.name).join(", ");
        return Err(format!("no row is named like {}: there are {names}", filters.join(", ")).into());
    }
    let service = Service::start()?;
    let mut bench =
        Bench { service: service.addresses, alternations: alternations.max(1), figures: Vec::new() };
    let mut failures = Vec::new();
    for row in rows {
        let began = Instant::now();
        if let Err(error) = (row.measure)(&mut bench) {
            failures.push(format!("{} could not be measured: {error}", row.name));
        }
        println!("  took {:.1} s", began.elapsed().as_secs_f64());
    }
    for figure in &bench.figures {
        println!("{figure}");
    }
    for failure in &failures {
        println!("{failure}");
    }
    Ok(failures.is_empty() && (!check || bench.figures.iter().all(Figure::is_met)))
}
