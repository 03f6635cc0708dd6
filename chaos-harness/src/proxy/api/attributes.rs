//! The toxics' types and attributes: how they are called and in which units they are written.

use super::answer::Refusal;
use super::json::{JsonError, Place, Raw, names};
use crate::proxy::Toxic;
use crate::units::{ByteRate, Bytes};
use std::time::Duration;

const NANOS_PER_MICRO: u64 = 1_000;
pub(super) const NANOS_PER_MILLI: u64 = 1_000_000;
/// The rate of a bandwidth limit counts thousands of bytes.
const BYTES_PER_RATE: u64 = 1_000;

/// The toxic of that type, with attributes that are all zero.
pub(super) fn of_type(kind: &str) -> Option<Toxic> {
    let (none, no_bytes) = (Duration::ZERO, Bytes::new(0));
    let toxic = match kind {
        "latency" => Toxic::Latency { delay: none, jitter: none },
        "bandwidth" => Toxic::Bandwidth { rate: no_bytes.per_second() },
        "slow_close" => Toxic::SlowClose { delay: none },
        "timeout" => Toxic::Timeout { after: none },
        "reset_peer" => Toxic::ResetPeer { after: none },
        "slicer" => Toxic::Slicer { average: no_bytes, variation: no_bytes, delay: none },
        "limit_data" => Toxic::LimitData { bytes: no_bytes },
        "down" => Toxic::Down,
        "burst" => Toxic::Burst { on: none, off: none },
        "stall" => Toxic::Stall { after: no_bytes, hold: none },
        "limit_connections" => Toxic::LimitConnections { connections: 0, wait: none },
        "refuse_connections" => Toxic::RefuseConnections,
        "delay_connections" => Toxic::DelayConnections { delay: none, jitter: none },
        _ => return None,
    };
    Some(toxic)
}

/// The attributes of `toxic` with their values, in the order in which they are printed.
pub(super) fn values(toxic: &Toxic) -> Vec<(&'static str, u64)> {
    match *toxic {
        Toxic::Latency { delay, jitter } => vec![("latency", millis(delay)), ("jitter", millis(jitter))],
        Toxic::Bandwidth { rate } => vec![("rate", rate.bytes_per_second() / BYTES_PER_RATE)],
        Toxic::SlowClose { delay } => vec![("delay", millis(delay))],
        Toxic::Timeout { after } | Toxic::ResetPeer { after } => vec![("timeout", millis(after))],
        Toxic::Slicer { average, variation, delay } => vec![
            ("average_size", average.get()),
            ("size_variation", variation.get()),
            ("delay", nanos(delay) / NANOS_PER_MICRO),
        ],
        Toxic::LimitData { bytes } => vec![("bytes", bytes.get())],
        Toxic::Down | Toxic::RefuseConnections => vec![],
        Toxic::Burst { on, off } => vec![("on", millis(on)), ("off", millis(off))],
        Toxic::Stall { after, hold } => vec![("bytes", after.get()), ("hold", millis(hold))],
        Toxic::LimitConnections { connections, wait } => {
            vec![("connections", connections.into()), ("wait", millis(wait))]
        }
        Toxic::DelayConnections { delay, jitter } => {
            vec![("delay", millis(delay)), ("jitter", millis(jitter))]
        }
    }
}

/// What the original calls the type: its error texts say so.
fn go_name(toxic: &Toxic) -> (&'static str, &'static str) {
    match toxic {
        Toxic::Latency { .. } => ("LatencyToxic", "toxics.LatencyToxic"),
        Toxic::Bandwidth { .. } => ("BandwidthToxic", "toxics.BandwidthToxic"),
        Toxic::SlowClose { .. } => ("SlowCloseToxic", "toxics.SlowCloseToxic"),
        Toxic::Timeout { .. } => ("TimeoutToxic", "toxics.TimeoutToxic"),
        Toxic::ResetPeer { .. } => ("ResetToxic", "toxics.ResetToxic"),
        Toxic::Slicer { .. } => ("SlicerToxic", "toxics.SlicerToxic"),
        Toxic::LimitData { .. } => ("LimitDataToxic", "toxics.LimitDataToxic"),
        Toxic::Down => ("DownToxic", "toxics.DownToxic"),
        Toxic::Burst { .. } => ("BurstToxic", "toxics.BurstToxic"),
        Toxic::Stall { .. } => ("StallToxic", "toxics.StallToxic"),
        Toxic::LimitConnections { .. } => ("LimitConnectionsToxic", "toxics.LimitConnectionsToxic"),
        Toxic::RefuseConnections => ("RefuseConnectionsToxic", "toxics.RefuseConnectionsToxic"),
        Toxic::DelayConnections { .. } => ("DelayConnectionsToxic", "toxics.DelayConnectionsToxic"),
    }
}

/// The original's type of integer in `toxic`'s attributes.
fn go_integer(toxic: &Toxic) -> &'static str {
    if matches!(toxic, Toxic::Slicer { .. }) { "int" } else { "int64" }
}

/// `toxic` with the attributes that the object `attributes` names; the others stay as they are.
pub(super) fn read(mut toxic: Toxic, attributes: Raw<'_>) -> Result<Toxic, Refusal> {
    let (holder, wanted) = go_name(&toxic);
    let known = values(&toxic);
    let Some(members) = attributes.object(Place::field("", "attributes"), wanted)? else { return Ok(toxic) };
    for (key, value) in members {
        let Some((name, _)) = known.iter().find(|(name, _)| names(&key, name)) else { continue };
        if let Some(value) = integer(value, holder, name, go_integer(&toxic))? {
            set(&mut toxic, name, value)?;
        }
    }
    Ok(toxic)
}

fn integer(
    value: Raw<'_>,
    holder: &'static str,
    name: &'static str,
    wanted: &'static str,
) -> Result<Option<i64>, JsonError> {
    value.integer(Place::nested(holder, "attributes", name), wanted)
}

fn set(toxic: &mut Toxic, name: &'static str, value: i64) -> Result<(), Refusal> {
    let value = u64::try_from(value)
        .map_err(|_| Refusal::bad_body(format!("attribute {name} is {value}: it cannot be negative")))?;
    match toxic {
        Toxic::Latency { jitter, .. } | Toxic::DelayConnections { jitter, .. } if name == "jitter" => {
            *jitter = duration(name, value, NANOS_PER_MILLI)?;
        }
        Toxic::Latency { delay, .. } | Toxic::DelayConnections { delay, .. } | Toxic::SlowClose { delay } => {
            *delay = duration(name, value, NANOS_PER_MILLI)?;
        }
        Toxic::Bandwidth { rate } => *rate = byte_rate(name, value)?,
        Toxic::Timeout { after } | Toxic::ResetPeer { after } => {
            *after = duration(name, value, NANOS_PER_MILLI)?;
        }
        Toxic::Slicer { average, variation, delay } => match name {
            "average_size" => *average = Bytes::new(value),
            "size_variation" => *variation = Bytes::new(value),
            _ => *delay = duration(name, value, NANOS_PER_MICRO)?,
        },
        Toxic::LimitData { bytes } => *bytes = Bytes::new(value),
        Toxic::Down | Toxic::RefuseConnections => {}
        Toxic::Burst { on, off } => {
            *(if name == "on" { on } else { off }) = duration(name, value, NANOS_PER_MILLI)?;
        }
        Toxic::Stall { after, hold } => match name {
            "bytes" => *after = Bytes::new(value),
            _ => *hold = duration(name, value, NANOS_PER_MILLI)?,
        },
        Toxic::LimitConnections { connections, wait } => match name {
            "connections" => {
                *connections = u32::try_from(value).map_err(|_| too_large(name, value, u32::MAX.into()))?;
            }
            _ => *wait = duration(name, value, NANOS_PER_MILLI)?,
        },
    }
    Ok(())
}

/// A duration that clients can hold in nanoseconds, as many do.
pub(super) fn duration(name: &str, value: u64, unit: u64) -> Result<Duration, Refusal> {
    let most = i64::MAX.unsigned_abs() / unit;
    if value > most {
        return Err(too_large(name, value, most));
    }
    Ok(Duration::from_nanos(value * unit))
}

fn byte_rate(name: &str, value: u64) -> Result<ByteRate, Refusal> {
    let rate = value.checked_mul(BYTES_PER_RATE).map(|bytes| Bytes::new(bytes).per_second());
    rate.ok_or_else(|| too_large(name, value, u64::MAX / BYTES_PER_RATE))
}

fn too_large(name: &str, value: u64, most: u64) -> Refusal {
    Refusal::bad_body(format!("attribute {name} is {value}: it can be {most} at most"))
}

/// In whole milliseconds, rounded down.
pub(super) fn millis(duration: Duration) -> u64 {
    nanos(duration) / NANOS_PER_MILLI
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
