//! How true a delay is.

use super::Bench;
use crate::figure::{Figure, Goal};
use crate::load::{Ping, pings};
use crate::outcome::Outcome;
use crate::relay::{Port, Relay, Target, Toxic};
use crate::statistic::{median, quantile};
use std::time::Duration;

/// The delay asked for, over how many connections, and how often on each.
const ASKED: [(u64, u32, usize); 4] = [(1, 1, 300), (5, 1, 150), (50, 1, 24), (500, 2, 6)];

const GOAL: Goal = Goal::AtMost(0.15);

pub(super) fn latency(bench: &mut Bench) -> Outcome<()> {
    let direct = Relay::start(Target::Direct, bench.service)?;
    println!("latency");
    for target in Target::with_toxics() {
        let mut relay = Relay::start(target, bench.service)?;
        for (asked, lanes, count) in ASKED {
            let delays =
                measure(bench, &direct, &mut relay, asked, Ping { lanes, count, pause: Duration::ZERO })?;
            println!(
                "  {target:<10} {asked:>3} ms: adds {:.3} ms to the route without it (p99 {:.3}), {:.3} ms to direct",
                delays.route, delays.route_p99, delays.direct
            );
            if target == Target::Ours {
                let off = (delays.route - asked as f64).abs();
                let off_direct = (delays.direct - asked as f64).abs();
                bench.figures.push(Figure::new(format!("latency_{asked}ms_off"), off, "ms", GOAL));
                let name = format!("latency_{asked}ms_off_direct");
                bench.figures.push(Figure::new(name, off_direct, "ms", GOAL));
            }
        }
    }
    Ok(())
}

/// What the toxic adds to the median round trip, in milliseconds.
struct Added {
    route: f64,
    route_p99: f64,
    direct: f64,
}

fn measure(bench: &Bench, direct: &Relay, relay: &mut Relay, asked: u64, ping: Ping) -> Outcome<Added> {
    let period = Duration::from_millis(asked);
    // The machine dozes off while it waits for a delayed answer: without the toxic it is given the time to.
    let paced = Ping { count: ping.count.min(60), pause: period, ..ping };
    let toxic = Toxic::Latency { milliseconds: asked };
    let (mut plain, mut bare, mut delayed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.tries(3) {
        plain.extend(pings(direct.echo, paced, period)?);
        bare.extend(pings(relay.echo, paced, period)?);
        relay.add(Port::Echo, toxic)?;
        delayed.extend(pings(relay.echo, ping, period)?);
        relay.remove(Port::Echo, toxic)?;
    }
    Ok(Added {
        route: median(&delayed) - median(&bare),
        route_p99: quantile(&delayed, 0.99) - median(&bare),
        direct: median(&delayed) - median(&plain),
    })
}
