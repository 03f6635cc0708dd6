//! Memory with many connections.

use super::Bench;
use crate::figure::{Figure, Goal};
use crate::load::idle;
use crate::outcome::Outcome;
use crate::relay::{Relay, Target};
use std::thread;
use std::time::Duration;

const CONNECTIONS: usize = 9_900;

pub(super) fn idle_9900(bench: &mut Bench) -> Outcome<()> {
    println!("idle_9900");
    for target in Target::with_toxics() {
        // A process of its own, so that no earlier row's memory is in it.
        let relay = Relay::start(target, bench.service)?;
        let before = relay.part()?.memory()?;
        let streams = idle(relay.echo, CONNECTIONS)?;
        thread::sleep(Duration::from_millis(300));
        let open = relay.part()?.memory()?;
        println!("  {target:<10} {open:.1} MB, {before:.1} MB without a connection");
        if target == Target::Ours {
            bench.figures.push(Figure::new("idle_9900_memory", open, "MB", Goal::AtMost(100.0)));
        }
        drop(streams);
    }
    Ok(())
}
