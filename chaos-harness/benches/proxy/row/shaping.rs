//! Streams through a toxic: how much comes through, and how evenly.

use super::Bench;
use crate::figure::{Figure, Goal};
use crate::load::{bulk, reads};
use crate::outcome::Outcome;
use crate::relay::{Port, Relay, Target, Toxic};
use crate::service::PIECE;
use crate::statistic::median;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

pub(super) fn bulk_delayed(bench: &mut Bench) -> Outcome<()> {
    println!("bulk_delayed");
    for target in Target::with_toxics() {
        let mut relay = Relay::start(target, bench.service)?;
        let before = relay.part()?.memory()?;
        let toxic = Toxic::Latency { milliseconds: 100 };
        relay.add(Port::Source, toxic)?;
        let mut rates = Vec::new();
        for _ in 0..bench.tries(3) {
            let second = Duration::from_secs(1);
            rates.push(bulk(relay.source, 1, second, second)?.rate / 1e6);
        }
        let grown = relay.part()?.memory()? - before;
        println!("  {target:<10} {:.0} MB/s through 100 ms, memory grown by {grown:.0} MB", median(&rates));
        if target == Target::Ours {
            let name = "bulk_delayed_100ms";
            bench.figures.push(Figure::new(name, median(&rates), "MB/s", Goal::AtLeast(320.0)));
        }
    }
    Ok(())
}

pub(super) fn bandwidth(bench: &mut Bench) -> Outcome<()> {
    println!("bandwidth");
    for target in Target::with_toxics() {
        let mut relay = Relay::start(target, bench.service)?;
        for rate in [1_000, 10_000, 100_000] {
            let toxic = Toxic::Bandwidth { rate };
            relay.add(Port::Source, toxic)?;
            let reads = reads(relay.source, Duration::from_millis(2_500))?;
            relay.remove(Port::Source, toxic)?;
            let (Some(first), Some(last)) = (reads.first(), reads.last()) else {
                return Err("nothing was read".into());
            };
            let bytes: usize = reads.iter().skip(1).map(|read| read.1).sum();
            let seen = bytes as f64 / (last.0 - first.0).as_secs_f64() / 1_000.0;
            let off = (seen / rate as f64 - 1.0).abs() * 100.0;
            let gaps = reads.windows(2).skip(1).map(|pair| (pair[1].0 - pair[0].0).as_secs_f64() * 1_000.0);
            let gap = gaps.fold(0.0, f64::max);
            println!("  {target:<10} {rate:>6} KB/s: {seen:.1} KB/s, largest gap {gap:.1} ms");
            if target == Target::Ours {
                let name = format!("bandwidth_{rate}_off");
                bench.figures.push(Figure::new(name, off, "%", Goal::AtMost(1.0)));
                if rate == 1_000 {
                    bench.figures.push(Figure::new("bandwidth_1000_gap", gap, "ms", Goal::AtMost(10.0)));
                }
            }
        }
    }
    Ok(())
}

pub(super) fn slicer(bench: &mut Bench) -> Outcome<()> {
    println!("slicer");
    for target in Target::with_toxics() {
        let mut relay = Relay::start(target, bench.service)?;
        relay.add(Port::Source, Toxic::Slicer { average: PIECE as u64 })?;
        let (mut rates, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..bench.tries(5) {
            // What the system itself takes, written from one process to another in pieces of that size.
            let bare = in_pieces("bare", bench.service.pieces)?;
            rates.push(in_pieces(target, relay.source)?);
            ratios.extend(rates.last().map(|rate| rate / bare));
        }
        if target == Target::Ours {
            bench.figures.push(Figure::new("slicer_64", median(&rates), "MB/s", Goal::AtLeast(24.0)));
            bench.figures.push(Figure::median(
                "slicer_64_of_bare",
                &ratios,
                "of bare writes",
                Goal::AtLeast(0.9),
            ));
        }
    }
    Ok(())
}

/// MB/s.
fn in_pieces(name: impl fmt::Display, source: SocketAddr) -> Outcome<f64> {
    let bulk = bulk(source, 1, Duration::from_millis(300), Duration::from_secs(1))?;
    let (rate, size) = (bulk.rate / 1e6, bulk.bytes / bulk.reads.max(1));
    println!("  {name:<10} {rate:.1} MB/s in slices of {PIECE} B, {size} B a read");
    Ok(rate)
}
