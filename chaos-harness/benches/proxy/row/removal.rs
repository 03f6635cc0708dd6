//! Toxics that go while a client does not read, or while it leaves.

use super::Bench;
use crate::figure::{Figure, Goal};
use crate::outcome::Outcome;
use crate::relay::{Port, Relay, Target, Toxic};
use crate::statistic::quantile;
use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

const TRIES: usize = 1_000;

/// A removal must not take longer, in milliseconds.
const BOUND: f64 = 5.0;

/// Each lets the first bytes through within moments.
const TOXICS: [Toxic; 3] =
    [Toxic::Latency { milliseconds: 5 }, Toxic::Bandwidth { rate: 1_000 }, Toxic::Slicer { average: 64 }];

/// The last few clients stay connected and never read; each try adds one that fills up under the toxic.
pub(super) fn unread(bench: &mut Bench) -> Outcome<()> {
    let mut relay = Relay::start(Target::Ours, bench.service)?;
    let mut clients = VecDeque::new();
    let mut took = Vec::with_capacity(TRIES);
    for toxic in TOXICS.into_iter().cycle().take(TRIES) {
        relay.add(Port::Source, toxic)?;
        clients.push_back(start(&relay)?);
        if clients.len() > 8 {
            clients.pop_front();
        }
        thread::sleep(Duration::from_millis(2));
        took.push(relay.remove(Port::Source, toxic)?.took.as_secs_f64() * 1_000.0);
    }
    report(bench, "removal_unread", &took);
    Ok(())
}

/// A client leaves a busy stream at the moment the toxic is removed: before or after, with unread data or without.
pub(super) fn leaving(bench: &mut Bench) -> Outcome<()> {
    let mut relay = Relay::start(Target::Ours, bench.service)?;
    let mut took = Vec::with_capacity(TRIES);
    let mut buffer = vec![0; 4096];
    for (number, toxic) in TOXICS.into_iter().cycle().take(TRIES).enumerate() {
        relay.add(Port::Source, toxic)?;
        let mut client = start(&relay)?;
        client.set_read_timeout(Some(Duration::from_secs(10)))?;
        client.read_exact(&mut buffer)?;
        let leave = move || {
            if number / 2 % 2 == 0 {
                // Its end is seen while data still comes: the client has not closed yet.
                let _ = client.shutdown(Shutdown::Both);
            }
            drop(client);
        };
        if number % 2 == 0 {
            leave();
            relay.begin_removal(Port::Source, toxic)?;
        } else {
            relay.begin_removal(Port::Source, toxic)?;
            leave();
        }
        took.push(relay.call()?.took.as_secs_f64() * 1_000.0);
    }
    report(bench, "removal_leaving", &took);
    Ok(())
}

fn start(relay: &Relay) -> Outcome<TcpStream> {
    let mut client = TcpStream::connect(relay.source)?;
    client.write_all(&[1])?;
    Ok(client)
}

/// `took` is in milliseconds, with the toxics in turn.
fn report(bench: &mut Bench, name: &str, took: &[f64]) {
    let within = took.iter().filter(|took| **took <= BOUND).count();
    println!("{name}\n  ours       {within} of {} within {BOUND} ms", took.len());
    for (number, toxic) in TOXICS.into_iter().enumerate() {
        let took: Vec<f64> = took.iter().copied().skip(number).step_by(TOXICS.len()).collect();
        let [middle, high, most] = [0.5, 0.99, 1.0].map(|share| quantile(&took, share));
        println!("  {toxic:<15} {middle:.3} ms, p99 {high:.3} ms, at worst {most:.3} ms");
    }
    let worst = Figure::new(format!("{name}_worst"), quantile(took, 1.0), "ms", Goal::AtMost(BOUND));
    let goal = Goal::AtLeast(TRIES as f64);
    bench.figures.extend([worst, Figure::new(format!("{name}_in_time"), within as f64, "tries", goal)]);
}
