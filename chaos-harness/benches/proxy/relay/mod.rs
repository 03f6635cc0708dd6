//! The relays that are compared, each in a process of its own.

mod copy;
mod ours;
mod splice;
mod target;
mod toxic;
mod toxiproxy;

pub(crate) use target::{Port, Relay, Target};
pub(crate) use toxic::Toxic;

use crate::outcome::Outcome;
use crate::part::{self, stamp};
use std::net::SocketAddr;

/// What the relay's process does when told to.
trait Driver {
    /// Opens route number `route`.
    fn open(&mut self, route: usize, upstream: SocketAddr) -> Outcome<SocketAddr>;
    fn add(&mut self, route: usize, toxic: Toxic) -> Outcome<()>;
    fn remove(&mut self, route: usize, toxic: Toxic) -> Outcome<()>;
}

/// The process of the relay named `role`, where there is one of that name.
pub(crate) fn run(role: &str) -> Outcome<()> {
    let own = std::process::id();
    match role {
        "copy" => serve(own, copy::Copy::start()?),
        "splice" => serve(own, splice::Splice::start()?),
        "ours" => serve(own, ours::Ours::start()?),
        "toxiproxy" => {
            let toxiproxy = toxiproxy::Toxiproxy::start()?;
            serve(toxiproxy.worker(), toxiproxy);
        }
        _ => return Err(format!("there is no role `{role}`").into()),
    }
    Ok(())
}

fn serve(worker: u32, mut driver: impl Driver) {
    let mut routes = 0;
    part::serve(worker, toxiproxy::end, |words| match words {
        ["open", upstream] => {
            let address = driver.open(routes, upstream.parse()?)?;
            routes += 1;
            Ok(address.to_string())
        }
        ["add", route, toxic @ ..] => {
            let (route, toxic) = (route.parse()?, Toxic::parse(toxic)?);
            timed(|| driver.add(route, toxic))
        }
        ["remove", route, toxic @ ..] => {
            let (route, toxic) = (route.parse()?, Toxic::parse(toxic)?);
            timed(|| driver.remove(route, toxic))
        }
        _ => Err("there is no such command".into()),
    });
}

/// When a call began, and when it was done.
fn timed(call: impl FnOnce() -> Outcome<()>) -> Outcome<String> {
    let began = stamp();
    call()?;
    Ok(format!("{began} {}", stamp()))
}
