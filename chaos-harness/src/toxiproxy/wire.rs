//! Toxics as a Toxiproxy server takes them, and those that it does not take.

use crate::proxy::{Toxic, ToxicSpec};
use crate::units::Percent;
use serde_json::{Value, json};
use std::time::Duration;

/// What is asked of the server for a toxic.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wire {
    /// A toxic, as the body of the call.
    Toxic(Value),
    /// The proxy is disabled.
    Disabled,
}

/// A toxic that only the embedded proxy has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an external Toxiproxy {why}: unset CHAOS_TOXIPROXY, the embedded proxy does it")]
pub(crate) struct Unsupported {
    why: String,
}

/// What a Toxiproxy server is asked for. Each toxic is one of Toxiproxy's own, on all connections: for a share of them the
/// server throws dice of its own, again at each change, and tells nobody how they fell.
pub(crate) fn wire(spec: &ToxicSpec) -> Result<Wire, Unsupported> {
    let unsupported = |why: String| Err(Unsupported { why });
    if spec.slice.is_some() {
        return unsupported("knows no slices of time".to_owned());
    }
    let share = spec.toxicity.share();
    if share != Percent::ALL {
        return unsupported(format!("does not tell which {share} of the connections it picked"));
    }
    let attributes = match spec.toxic {
        Toxic::Down => return Ok(Wire::Disabled),
        Toxic::Latency { delay, jitter } => json!({"latency": millis(delay)?, "jitter": millis(jitter)?}),
        Toxic::Bandwidth { rate } => json!({"rate": whole(rate.bytes_per_second(), 1000, "kB/s")?}),
        Toxic::SlowClose { delay } => json!({"delay": millis(delay)?}),
        Toxic::Timeout { after } | Toxic::ResetPeer { after } => json!({"timeout": millis(after)?}),
        // The original does not survive it.
        Toxic::Slicer { average, .. } if average.get() == 0 => {
            return unsupported("ends at slices of no size".to_owned());
        }
        Toxic::Slicer { average, variation, delay } => json!({
            "average_size": average.get(),
            "size_variation": variation.get(),
            "delay": whole(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX), 1000, "µs")?,
        }),
        Toxic::LimitData { bytes } => json!({"bytes": bytes.get()}),
        Toxic::Burst { .. }
        | Toxic::Stall { .. }
        | Toxic::LimitConnections { .. }
        | Toxic::RefuseConnections
        | Toxic::DelayConnections { .. } => {
            return unsupported(format!("has no toxic `{}`", spec.toxic.kind()));
        }
    };
    let (kind, stream) = (spec.toxic.kind(), spec.stream.name());
    Ok(Wire::Toxic(
        json!({"name": spec.name, "type": kind, "stream": stream, "toxicity": 1.0, "attributes": attributes}),
    ))
}

fn millis(duration: Duration) -> Result<u64, Unsupported> {
    whole(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), 1_000_000, "ms")
}

/// Servers count in whole units: what is not one would silently become another fault.
fn whole(value: u64, unit: u64, name: &str) -> Result<u64, Unsupported> {
    if value.is_multiple_of(unit) {
        Ok(value / unit)
    } else {
        Err(Unsupported { why: format!("counts in whole {name}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Stream;
    use crate::units::Bytes;

    fn spec(toxic: Toxic) -> ToxicSpec {
        ToxicSpec::new("t", toxic, Stream::Upstream)
    }

    const SLOW: Toxic = Toxic::Latency { delay: Duration::from_millis(20), jitter: Duration::from_millis(3) };

    #[test]
    fn toxics_are_written_in_the_units_of_the_server() {
        let expected = json!({
            "name": "t", "type": "latency", "stream": "upstream", "toxicity": 1.0,
            "attributes": {"latency": 20, "jitter": 3},
        });
        assert_eq!(wire(&spec(SLOW)), Ok(Wire::Toxic(expected)));
        let attributes = |toxic| match wire(&spec(toxic)) {
            Ok(Wire::Toxic(body)) => body["attributes"].clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(attributes(Toxic::Bandwidth { rate: Bytes::new(5000).per_second() }), json!({"rate": 5}));
        let delay = Duration::from_micros(7);
        let slicer = Toxic::Slicer { average: Bytes::new(64), variation: Bytes::new(8), delay };
        assert_eq!(attributes(slicer), json!({"average_size": 64, "size_variation": 8, "delay": 7}));
        assert_eq!(wire(&spec(Toxic::Down)), Ok(Wire::Disabled));
    }

    #[test]
    fn what_only_the_embedded_proxy_does_is_refused_with_the_remedy() {
        let refused = |spec: &ToxicSpec| wire(spec).unwrap_err().to_string();
        assert_eq!(
            refused(&spec(Toxic::RefuseConnections)),
            "an external Toxiproxy has no toxic `refuse_connections`: unset CHAOS_TOXIPROXY, the embedded proxy does it"
        );
        assert!(refused(&spec(SLOW).share(Percent::new(5))).contains("5%"));
        assert!(refused(&spec(Toxic::Down).share(Percent::new(5))).contains("5%"));
        assert!(refused(&spec(SLOW).slice(Duration::from_millis(100))).contains("slices"));
        let fine = Toxic::Latency { delay: Duration::from_micros(1500), jitter: Duration::ZERO };
        assert!(refused(&spec(fine)).contains("whole ms"));
        let nothing =
            Toxic::Slicer { average: Bytes::new(0), variation: Bytes::new(0), delay: Duration::ZERO };
        assert!(refused(&spec(nothing)).contains("no size"));
    }
}
