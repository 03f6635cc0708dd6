//! What the targets do alternately: throughput, round trips, and the processor time they take.

use super::Bench;
use crate::figure::{Figure, Goal};
use crate::load::{Ping, bulk, connections, pings, requests};
use crate::outcome::Outcome;
use crate::relay::{Relay, Target};
use crate::statistic::{interval, median};
use std::thread;
use std::time::Duration;

const WARMUP: Duration = Duration::from_millis(60);
const WINDOW: Duration = Duration::from_millis(300);
const BARE: [Target; 2] = [Target::Copy, Target::Splice];

/// What each target did in each alternation.
struct Race {
    lanes: Vec<(Target, Vec<f64>)>,
}

impl Race {
    /// Everyone takes a turn, in another order each time.
    fn run(bench: &Bench, measure: impl Fn(&Relay) -> Outcome<f64>) -> Outcome<Self> {
        let mut relays = Vec::new();
        for target in Target::all() {
            relays.push(Relay::start(target, bench.service)?);
        }
        let mut lanes: Vec<_> = relays.iter().map(|relay| (relay.target, Vec::new())).collect();
        // The first time, each has still to grow its buffers.
        for relay in &relays {
            measure(relay)?;
        }
        for alternation in 0..bench.alternations {
            let mut order: Vec<_> = (0..relays.len()).collect();
            order.rotate_left(alternation / 2 % relays.len());
            if alternation % 2 == 1 {
                order.reverse();
            }
            for number in order {
                let value = measure(&relays[number])
                    .map_err(|error| format!("{}: {error}", relays[number].target))?;
                lanes[number].1.push(value);
                // What the last connections leave behind is not the next one's.
                thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(Self { lanes })
    }

    fn of(&self, target: Target) -> &[f64] {
        self.lanes.iter().find(|lane| lane.0 == target).map_or(&[], |lane| &lane.1)
    }

    /// One alternation at a time: what disturbs the machine for longer disturbs both.
    fn ratios(&self, target: Target, to: Target) -> Vec<f64> {
        self.of(target).iter().zip(self.of(to)).map(|(value, other)| value / other).collect()
    }

    fn print(&self, name: &str, unit: &str) {
        println!("{name}");
        for (target, values) in &self.lanes {
            let (low, high) = interval(values);
            let share = median(&self.ratios(*target, Target::Direct));
            println!(
                "  {target:<10} {:>10.3} {unit} [{low:.3}, {high:.3}], {share:.3} of direct",
                median(values)
            );
        }
    }

    /// Ours and Toxiproxy's share of the better bare relay's.
    fn against_bare(&self, name: &str) -> Figure {
        let [copy, splice] = BARE.map(|bare| median(self.of(bare)));
        let better = if copy >= splice { Target::Copy } else { Target::Splice };
        println!("  the better bare relay is {better}");
        for target in [Target::Ours, Target::Toxiproxy] {
            for bare in BARE {
                let ratios = self.ratios(target, bare);
                if !ratios.is_empty() {
                    let (low, high) = interval(&ratios);
                    println!("  {target} is {:.3} [{low:.3}, {high:.3}] of {bare}", median(&ratios));
                }
            }
        }
        let unit = if better == Target::Copy { "of copy" } else { "of splice" };
        Figure::median(name, &self.ratios(Target::Ours, better), unit, Goal::AtLeast(0.9))
    }
}

pub(super) fn bulk_1(bench: &mut Bench) -> Outcome<()> {
    of_bulk(bench, "bulk_1", 1)
}

pub(super) fn bulk_8(bench: &mut Bench) -> Outcome<()> {
    of_bulk(bench, "bulk_8", 8)
}

fn of_bulk(bench: &mut Bench, name: &str, connections: usize) -> Outcome<()> {
    let race = Race::run(bench, |relay| Ok(bulk(relay.source, connections, WARMUP, WINDOW)?.rate / 1e9))?;
    race.print(name, "GB/s");
    bench.figures.push(race.against_bare(name));
    Ok(())
}

pub(super) fn requests_50(bench: &mut Bench) -> Outcome<()> {
    let race = Race::run(bench, |relay| requests(relay.echo, WARMUP, WINDOW))?;
    race.print("requests_50", "requests/s");
    bench.figures.push(race.against_bare("requests_50"));
    Ok(())
}

pub(super) fn new_connections(bench: &mut Bench) -> Outcome<()> {
    let race = Race::run(bench, |relay| connections(relay.echo, WINDOW))?;
    race.print("connections", "connections/s");
    bench.figures.push(race.against_bare("connections"));
    Ok(())
}

pub(super) fn ping(bench: &mut Bench) -> Outcome<()> {
    let ping = Ping { lanes: 1, count: 3_000, pause: Duration::ZERO };
    let race = Race::run(bench, |relay| Ok(median(&pings(relay.echo, ping, Duration::ZERO)?) * 1_000.0))?;
    race.print("ping", "µs (p50)");
    let direct = median(race.of(Target::Direct));
    for target in Target::all() {
        println!("  {target} adds {:.1} µs to direct", median(race.of(target)) - direct);
    }
    let ratios = race.ratios(Target::Ours, Target::Copy);
    bench.figures.push(Figure::median("ping_p50", &ratios, "of copy", Goal::AtMost(1.1)));
    Ok(())
}

/// Of whole runs: the processor time is counted in hundredths of a second.
pub(super) fn cpu_per_gb(bench: &mut Bench) -> Outcome<()> {
    let window = Duration::from_secs(1);
    println!("cpu_per_gb");
    let targets = Target::all().into_iter().filter(|target| *target != Target::Direct);
    let mut relays =
        targets.map(|target| Relay::start(target, bench.service)).collect::<Outcome<Vec<_>>>()?;
    let mut costs = vec![Vec::new(); relays.len()];
    for _ in 0..bench.tries(3) {
        for (relay, costs) in relays.iter_mut().zip(&mut costs) {
            let before = relay.part()?.cpu()?;
            let bytes = bulk(relay.source, 1, Duration::ZERO, window)?.bytes;
            costs.push((relay.part()?.cpu()? - before) / (bytes as f64 / 1e9));
        }
    }
    for (relay, costs) in relays.iter().zip(&costs) {
        println!("  {:<10} {:.3} s/GB", relay.target, median(costs));
        if relay.target == Target::Ours {
            bench.figures.push(Figure::new("cpu_per_gb", median(costs), "s/GB", Goal::AtMost(0.35)));
        }
    }
    Ok(())
}
