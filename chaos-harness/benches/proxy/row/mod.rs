//! The rows of the table.

mod idle;
mod latency;
mod race;
mod removal;
mod shaping;
mod toxics;

use crate::figure::Figure;
use crate::outcome::Outcome;
use crate::service::Addresses;

/// What the rows share.
pub(crate) struct Bench {
    pub(crate) service: Addresses,
    /// How often the targets take turns.
    pub(crate) alternations: usize,
    pub(crate) figures: Vec<Figure>,
}

impl Bench {
    /// The usual number of tries, less where the alternations are.
    fn tries(&self, usual: usize) -> usize {
        (usual * self.alternations).div_ceil(crate::ALTERNATIONS).clamp(1, usual)
    }
}

/// A row: its figures begin with its name.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) measure: fn(&mut Bench) -> Outcome<()>,
}

pub(crate) const ROWS: [Row; 14] = [
    Row { name: "bulk_1", measure: race::bulk_1 },
    Row { name: "bulk_8", measure: race::bulk_8 },
    Row { name: "requests_50", measure: race::requests_50 },
    Row { name: "connections", measure: race::new_connections },
    Row { name: "ping", measure: race::ping },
    Row { name: "cpu_per_gb", measure: race::cpu_per_gb },
    Row { name: "idle_9900", measure: idle::idle_9900 },
    Row { name: "latency", measure: latency::latency },
    Row { name: "bulk_delayed", measure: shaping::bulk_delayed },
    Row { name: "bandwidth", measure: shaping::bandwidth },
    Row { name: "slicer", measure: shaping::slicer },
    Row { name: "toxic_500", measure: toxics::toxic_500 },
    Row { name: "removal_unread", measure: removal::unread },
    Row { name: "removal_leaving", measure: removal::leaving },
];
