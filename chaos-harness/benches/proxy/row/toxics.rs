//! Toxics that come and go on busy connections.

use super::Bench;
use crate::figure::{Figure, Goal};
use crate::load::Crowd;
use crate::outcome::Outcome;
use crate::relay::{Port, Relay, Target, Toxic};
use crate::statistic::{median, quantile};
use std::thread;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 500;

/// It holds everything back until it is removed.
const TOXIC: Toxic = Toxic::Latency { milliseconds: 60_000 };

/// Longer than a client's pause, so that each has a message held back.
const PAUSE: Duration = Duration::from_millis(80);

/// How long a release may take: far longer than is right.
const PATIENCE: Duration = Duration::from_secs(5);

/// All in milliseconds from the beginning of the call, one for each try.
#[derive(Default)]
struct Seen {
    add: Vec<f64>,
    /// The last answer that any client still got.
    silence: Vec<f64>,
    remove: Vec<f64>,
    /// When the clients got what had been held back: the first, the median, and the last of them.
    first: Vec<f64>,
    middle: Vec<f64>,
    last: Vec<f64>,
}

pub(super) fn toxic_500(bench: &mut Bench) -> Outcome<()> {
    println!("toxic_500");
    for target in Target::with_toxics() {
        let mut relay = Relay::start(target, bench.service)?;
        let crowd = Crowd::open(relay.echo, CONNECTIONS)?;
        let mut seen = Seen::default();
        for _ in 0..bench.tries(20) {
            try_once(&mut relay, &crowd, &mut seen)?;
        }
        let named = [
            ("add, call", &seen.add),
            ("add, last answer of all", &seen.silence),
            ("remove, call", &seen.remove),
            ("remove, first release", &seen.first),
            ("remove, median release", &seen.middle),
            ("remove, last release", &seen.last),
        ];
        for (name, values) in named {
            let (middle, most) = (median(values), quantile(values, 1.0));
            println!("  {target:<10} {name:<24} {middle:.3} ms, at worst {most:.3} ms");
        }
        if target == Target::Ours {
            let figures = [
                ("toxic_500_add_call", &seen.add),
                ("toxic_500_add_effect", &seen.silence),
                ("toxic_500_remove_call", &seen.remove),
                ("toxic_500_remove_effect", &seen.first),
            ];
            for (name, values) in figures {
                bench.figures.push(Figure::median(name, values, "ms", Goal::AtMost(1.0)));
            }
        }
    }
    Ok(())
}

fn try_once(relay: &mut Relay, crowd: &Crowd, seen: &mut Seen) -> Outcome<()> {
    let since = |began: u64, moment: u64| moment.saturating_sub(began) as f64 / 1e6;
    let add = relay.add(Port::Echo, TOXIC)?;
    thread::sleep(PAUSE);
    seen.add.push(add.took.as_secs_f64() * 1_000.0);
    seen.silence.push(since(add.began, crowd.last_heard()));
    crowd.forget();
    let remove = relay.remove(Port::Echo, TOXIC)?;
    seen.remove.push(remove.took.as_secs_f64() * 1_000.0);
    let deadline = Instant::now() + PATIENCE;
    let released = loop {
        thread::sleep(PAUSE);
        let released = crowd.released();
        if released.len() == crowd.len() {
            break released;
        }
        if Instant::now() > deadline {
            let count = released.len();
            return Err(format!("only {count} of {} connections were released", crowd.len()).into());
        }
    };
    let released: Vec<f64> = released.into_iter().map(|moment| since(remove.began, moment)).collect();
    seen.first.push(quantile(&released, 0.0));
    seen.middle.push(median(&released));
    seen.last.push(quantile(&released, 1.0));
    Ok(())
}
